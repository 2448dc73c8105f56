// Package command has what the programs in this module have in common: their signals,
// and what they say about their command lines.
package command
