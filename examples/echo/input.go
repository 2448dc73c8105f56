package main

import (
	"bytes"
	"errors"
)

var errTooLong = errors.New("line too long")

// bufferSize is what a client costs that sends no longer lines.
const bufferSize = 4 << 10

// An input is what a client has sent, as far as it has been read and not been taken.
// Its buffer grows with the line that is in it, up to max, and not longer than that
// line is there.
type input struct {
	max int // of the bytes before a newline

	buf        []byte
	start, end int // buf[start:end] has not been taken
	searched   int // the first so many bytes of it have no newline
}

// next takes the next line, with its newline, which is valid until the next fill. It
// returns nil if there is no whole line, and errTooLong as soon as what comes next is
// more than a line may have.
func (in *input) next() ([]byte, error) {
	rest := in.rest()
	i := bytes.IndexByte(rest[in.searched:], '\n')
	if i < 0 {
		in.searched = len(rest)
		if len(rest) > in.max {
			return nil, errTooLong
		}
		return nil, nil
	}
	i += in.searched
	if i > in.max {
		return nil, errTooLong
	}
	in.start, in.searched = in.start+i+1, 0
	return rest[:i+1], nil
}

// rest returns all that has not been taken: the beginning of a line, if next has
// returned nil.
func (in *input) rest() []byte { return in.buf[in.start:in.end] }

// fill calls read once, with room for one byte at least. It must not be called before
// next has returned nil: then there is room, or the buffer can grow.
func (in *input) fill(read func([]byte) (int, error)) error {
	buf, rest := in.buf, in.rest()
	switch {
	case len(rest) == 0 && len(buf) != bufferSize:
		buf = make([]byte, bufferSize) // the first one, or after a long line
	case len(rest) == len(buf):
		// One more than max, to see whether the line ends there.
		buf = make([]byte, min(2*len(rest), max(in.max+1, bufferSize)))
	}
	if in.start > 0 || len(buf) != len(in.buf) {
		in.buf, in.start, in.end = buf, 0, copy(buf, rest)
	}
	n, err := read(in.buf[in.end:])
	in.end += n
	return err
}
