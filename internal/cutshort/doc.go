// Package cutshort reads from an error what a cancellation has cut short, so that an error
// which replaces the cancellation can say it as well.
package cutshort
