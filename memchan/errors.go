package memchan

import (
	"errors"
	"io"
)

var (
	// ErrEndOfChannel is returned by Receive and TryReceive when every sender has been
	// closed and every value has been received. Like io.EOF it means an orderly end and is
	// returned unwrapped. It is not io.EOF itself, so that the end of a file that a task
	// reads cannot be mistaken for it; but errors.Is(ErrEndOfChannel, io.EOF) reports true,
	// for code that only needs to know whether there is more, such as nursery.ForEach.
	ErrEndOfChannel error = endOfChannel{}

	// ErrBroken is returned by Send and TrySend when every receiver has been closed, so
	// that the value cannot be received any more.
	ErrBroken = errors.New("every receiver of the channel is closed")

	// ErrClosed is returned when the handle that was used has been closed, also to calls
	// that were waiting in it at that moment.
	ErrClosed = errors.New("handle of the channel is closed")

	// ErrWouldBlock is returned by TrySend and TryReceive when Send and Receive would have
	// to wait.
	ErrWouldBlock = errors.New("operation would block")
)

// endOfChannel is the type of ErrEndOfChannel.
type endOfChannel struct{}

func (endOfChannel) Error() string { return "end of channel" }

func (endOfChannel) Is(target error) bool { return target == io.EOF }
