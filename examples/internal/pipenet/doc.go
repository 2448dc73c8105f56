// Package pipenet is a listener for tests in synctest bubbles, to which connections in
// memory are handed.
package pipenet
