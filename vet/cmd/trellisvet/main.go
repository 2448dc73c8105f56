// Trellisvet reports mistakes in programs that use Trellis or errgroup, and moves programs
// from errgroup to Trellis.
//
// # Use
//
//	trellisvet ./...                              the analyzers that are on by default
//	trellisvet -uncancelable -swallow ./...       these two, and no others
//	trellisvet -optional ./...                    all except migrate
//	trellisvet -migrate -fix ./...                move from errgroup to Trellis
//	go vet -vettool=$(which trellisvet) ./...     in the place of go vet's own analyzers
//
// A flag with the name of an analyzer runs this analyzer and the others that are named so;
// -NAME=false leaves one out. With -fix the suggested fixes are applied, with -fix -diff
// they are printed, and with -json the reports are printed as JSON. The command
// "trellisvet help" lists the analyzers, and "trellisvet help NAME" explains one.
//
// The exit status is 0 if there is nothing to report, 3 if there is (with go vet: 1), and 1 if
// the packages could not be analyzed. With -json it is 0 in either case. With -fix nothing is
// reported: it is 0 also where reports have no fix, and 1 if fixes were not applied.
//
// # In a CI script
//
//	go run github.com/trellis-go/trellis/vet/cmd/trellisvet@latest ./...
//
// # Reports that are answered
//
// A comment with a reason, on the line of the report or alone on the line above, drops the
// reports of the analyzers that it names:
//
//	go watch() //trellisvet:ignore baregoroutine it ends with the process
//
// Generated files are not reported.
//
// # Analyzers
//
// On by default, because what they report is wrong: outerctx, notended, cleanupctx,
// earlyclose, deadtimeout, emptylimit.
//
// Off by default, because what they report may be meant: baregoroutine, scopeescape,
// swallow, notready, uncancelable, causelost. And migrate.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/multichecker"

	"github.com/trellis-go/trellis/vet"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "help" {
		help(os.Stdout)
		return
	}
	flag.Bool("optional", false, "run the analyzers that are off by default as well, except migrate")
	multichecker.Main(chosen(os.Args[1:])...)
}

// help lists the analyzers. The list of package multichecker says that all of them run.
func help(w io.Writer) {
	list := func(title string, analyzers ...*analysis.Analyzer) {
		fmt.Fprintf(w, "\n%s:\n\n", title)
		for _, a := range analyzers {
			summary, _, _ := strings.Cut(a.Doc, "\n")
			fmt.Fprintf(w, "    %-14s%s\n", a.Name, summary)
		}
	}
	fmt.Fprint(w, "trellisvet reports mistakes in programs that use Trellis or errgroup, and moves programs\n"+
		"from errgroup to Trellis.\n\nUsage: trellisvet [-flag] [package]\n")
	list("On by default; a flag -NAME runs only the analyzers that are named so, -NAME=false leaves one out", vet.Default()...)
	list("Off by default; a flag -NAME runs one of them, -optional these and those above", vet.Optional()...)
	list("Only with the flag -migrate", vet.Migrate())
	fmt.Fprint(w, "\n\"trellisvet help NAME\" explains an analyzer, \"trellisvet -h\" lists the flags.\n")
}

// chosen returns the analyzers that the arguments ask for, before the flags are parsed:
// package multichecker runs everything that it is given, unless a flag names an analyzer.
func chosen(args []string) []*analysis.Analyzer {
	given := make(map[string]bool)
	for _, arg := range args {
		if arg == "help" || arg == "-h" {
			return vet.All()
		}
		name, ok := strings.CutPrefix(arg, "-")
		if !ok {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		analyzer, _, _ := strings.Cut(name, ".") // -migrate.limits=false
		if name != analyzer || value != "false" {
			given[analyzer] = true
		}
	}
	if given["flags"] {
		return vet.All() // go vet asks which flags there are
	}
	list := vet.Default()
	for _, a := range vet.Optional() {
		if given["optional"] || given[a.Name] {
			list = append(list, a)
		}
	}
	if given[vet.Migrate().Name] {
		list = append(list, vet.Migrate())
	}
	return list
}
