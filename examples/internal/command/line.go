package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// A Line is the command line of a program with the options O.
type Line[O any] struct {
	Name       string
	Head, Tail string // of the text of -h, around the flags
	Args       string // what the arguments after the flags are called; "" if there must be none

	// Flags sets the defaults that are not those of a flag, and defines the flags.
	Flags func(o *O, flags *flag.FlagSet)

	// Check judges the options, and takes the arguments.
	Check func(o *O, args []string) error
}

// Parse reads a command line. If there is no more to do than to say something about
// it, such as what is wrong with it, Parse says so and reports that the program ends,
// and with which exit code. Help that was asked for goes to stdout, and is no failure.
func (l Line[O]) Parse(args []string, stdout, stderr io.Writer) (o O, code int, ends bool) {
	flags := l.flags(&o)
	err := flags.Parse(args)
	if err == nil {
		err = l.misplaced(flags.Args(), args)
	}
	if err == nil {
		err = l.Check(&o, flags.Args())
	}
	switch {
	case err == nil:
		return o, 0, false
	case errors.Is(err, flag.ErrHelp):
		if _, err := io.WriteString(stdout, l.Help()); err != nil {
			return o, Lost(l.Name, err, stderr), true
		}
		return o, ExitOK, true
	}
	fmt.Fprintf(stderr, "%[1]s: %[2]v\nRun %[1]s -h for help.\n", l.Name, err)
	return o, ExitUsage, true
}

// misplaced returns an error for arguments where there must be none, and for flags
// among them, which package flag takes for arguments. After "--" they are arguments.
func (l Line[O]) misplaced(rest, all []string) error {
	if len(rest) > 0 && l.Args == "" {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	if n := len(all) - len(rest); n > 0 && all[n-1] == "--" {
		return nil
	}
	for _, arg := range rest {
		if len(arg) > 1 && arg[0] == '-' {
			return fmt.Errorf("%s after %q: flags must come before %s; after -- nothing is a flag", arg, rest[0], l.Args)
		}
	}
	return nil
}

// flags returns a flag set that prints nothing by itself.
func (l Line[O]) flags(o *O) *flag.FlagSet {
	flags := flag.NewFlagSet(l.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	l.Flags(o, flags)
	return flags
}

// Help returns the text of -h.
func (l Line[O]) Help() string {
	var b strings.Builder
	b.WriteString(l.Head)
	flags := l.flags(new(O))
	flags.SetOutput(&b)
	flags.PrintDefaults()
	b.WriteString(l.Tail)
	return b.String()
}
