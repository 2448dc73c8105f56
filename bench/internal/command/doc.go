// Package command has what the commands of this module have in common: their exit
// codes, how they are interrupted, and the forms in which they put out what they have
// measured.
package command
