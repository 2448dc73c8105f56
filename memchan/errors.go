package memchan

import (
	"errors"
	"io"
)

var (
	// ErrEndOfChannel is returned by Receive and TryReceive when every sender has been
	// closed and every value has been received. As io.EOF it tells of an orderly end and
	// is returned as it is. It is not io.EOF, so that the end of a file that a task reads
	// from cannot pass for it; but errors.Is(ErrEndOfChannel, io.EOF) reports true, for code
	// that only wants to know whether there is more, such as nursery.ForEach.
	ErrEndOfChannel error = endOfChannel{}

	// ErrBroken is returned by Send and TrySend when every receiver has been closed:
	// nobody can receive the value any more.
	ErrBroken = errors.New("every receiver of the channel is closed")

	// ErrClosed is returned when the very handle that was used has been closed, also to
	// those who were waiting in it at that moment.
	ErrClosed = errors.New("handle of the channel is closed")

	// ErrWouldBlock is returned by TrySend and TryReceive where Send and Receive would
	// have to wait.
	ErrWouldBlock = errors.New("operation would block")
)

// endOfChannel is the type of ErrEndOfChannel.
type endOfChannel struct{}

func (endOfChannel) Error() string { return "end of channel" }

func (endOfChannel) Is(target error) bool { return target == io.EOF }
