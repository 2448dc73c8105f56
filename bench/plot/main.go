// Command plot reads the output of BenchmarkGrowth and draws it: growth.svg for pages
// with a light background, and growth-dark.svg.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(r io.Reader) error {
	panels, err := read(r)
	if err != nil {
		return err
	}
	for name, style := range styles {
		if err := os.WriteFile(name, draw(panels, style), 0o644); err != nil {
			return err
		}
	}
	return nil
}
