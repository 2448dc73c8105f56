// Package lifetime has workflows that live long or are interrupted, for the tests of this module:
// signals, updates and queries beside a nursery, continue-as-new, changes of the code, activities
// and child workflows that are canceled and awaited. docs/temporal.md shows parts of them.
package lifetime
