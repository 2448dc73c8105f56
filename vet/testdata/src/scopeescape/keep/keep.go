package keep

import "github.com/trellis-go/trellis/nursery"

type Server struct{ n *nursery.Nursery }

// In front of the function that it calls.
func Through(n *nursery.Nursery, s *Server) { // want Through:`escapes\[0\]`
	s.Use("x", n)
}

func (s *Server) Use(name string, n *nursery.Nursery) { // want Use:`escapes\[1\]`
	s.n = n
}

func Borrow(n *nursery.Nursery) int { return n.Running() }
