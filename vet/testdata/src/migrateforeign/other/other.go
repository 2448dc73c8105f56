package other

import "golang.org/x/sync/errgroup"

type Starter interface{ Start(g *errgroup.Group) }

type Options struct{ Groups []*errgroup.Group }

func With(f func(g *errgroup.Group) error) error { return nil }

func Begin(s Starter) error { return nil }
