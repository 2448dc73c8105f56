// Package vet lists the analyzers of Trellis, for programs that run analyzers. The
// command trellisvet runs them.
package vet
