package serve

import (
	"fmt"
	"os"
)

// ReportExit lets Main print the exit code and return, instead of exiting.
func ReportExit() (restore func()) {
	exit = func(code int) { fmt.Println("exit code", code) }
	return func() { exit = os.Exit }
}
