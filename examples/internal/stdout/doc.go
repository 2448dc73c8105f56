// Package stdout opens the standard output of a program that must not lose what it prints.
package stdout
