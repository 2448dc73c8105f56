package command

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/trellis-go/trellis/bench/internal/readme"
)

// An Output is where a command puts what it has measured, as its flags say. Set Name
// before Define.
type Output struct {
	Name string // of the command, and of its text in documents

	json     bool
	markdown bool
	plot     string // "": none
	update   string // "": none

	file *os.File // of plot
}

// A Report is what has been measured. It is marshaled for -json.
type Report interface {
	WriteTable(w io.Writer) error
	Markdown() string
	Plot(w io.Writer) error
}

// Define defines the flags -json, -markdown, -plot and -update.
func (o *Output) Define(flags *flag.FlagSet) {
	flags.BoolVar(&o.json, "json", false, "print JSON, with every single measurement, instead of the table")
	flags.BoolVar(&o.markdown, "markdown", false, "print tables in Markdown")
	flags.StringVar(&o.plot, "plot", "", "also write a plot to `FILE.svg`")
	flags.StringVar(&o.update, "update", "", fmt.Sprintf("also put the Markdown into `FILE.md`,\nbetween lines that are <!-- begin %[1]s --> and <!-- end %[1]s -->", o.Name))
}

// Check checks the flags once they have been parsed.
func (o *Output) Check() error {
	switch {
	case o.json && o.markdown:
		return errors.New("-json and -markdown: only one of them")
	case o.plot != "" && filepath.Ext(o.plot) != ".svg":
		return errors.New("-plot " + o.plot + ": the name must end in .svg")
	}
	return nil
}

// Open sees to it that the files can be written: it would be a pity to notice that they
// cannot after minutes of work. Close has to follow.
func (o *Output) Open() (err error) {
	if o.update != "" {
		if err := readme.Check(o.update, o.Name); err != nil {
			return err
		}
	}
	if o.plot != "" {
		o.file, err = os.Create(o.plot)
	}
	return err
}

// Close closes what Open has opened. What was written is safe if it returns nil. It may
// be called more than once.
func (o *Output) Close() error {
	if o.file == nil {
		return nil
	}
	file := o.file
	o.file = nil
	return file.Close()
}

// Publish prints r and writes the files. If the command was interrupted, r is not all
// that it should be, and a document is not changed.
func (o *Output) Publish(stdout, stderr io.Writer, r Report, interrupted bool) error {
	if err := o.print(stdout, r); err != nil {
		return err
	}
	if o.file != nil {
		if err := r.Plot(o.file); err != nil {
			return fmt.Errorf("%s: %w", o.plot, err)
		}
	}
	switch {
	case o.update == "":
		return nil
	case interrupted:
		_, err := fmt.Fprintf(stderr, "%s: interrupted, so %s stays as it is\n", o.Name, o.update)
		return err
	}
	return readme.Update(o.update, o.Name, r.Markdown())
}

func (o *Output) print(w io.Writer, r Report) error {
	switch {
	case o.json:
		e := json.NewEncoder(w)
		e.SetIndent("", "\t")
		return e.Encode(r)
	case o.markdown:
		_, err := io.WriteString(w, r.Markdown())
		return err
	}
	return r.WriteTable(w)
}
