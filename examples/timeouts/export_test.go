package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/trellis-go/trellis/serve"
)

var Main = main

// Run runs a command line that is right with other servers, and another way to reach them.
func Run(ctx context.Context, args []string, stdout io.Writer, listen func() (net.Listener, error), transport http.RoundTripper) error {
	p := &program{out: stdout, listen: listen, client: &http.Client{Transport: transport}}
	flags := p.flags()
	flags.Parse(args)
	if err := p.check(flags.Args()); err != nil {
		os.Stderr.WriteString(err.Error())
		return err
	}
	return serve.Program{}.Run(ctx, p.run)
}
