//go:build !unix

package command

func stdoutClosed() bool { return false }
