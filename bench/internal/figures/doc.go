// Package figures computes what says something about many measurements, and writes
// numbers as people read them.
package figures
