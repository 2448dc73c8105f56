package record

import (
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
)

// Where a node was made is one return address, which is turned into a file and a line when
// the node is looked at. It is that of the innermost call outside of this module's
// packages. Whether an address is one of ours is looked up once, and kept in a table.

// maxFrames is how many calls of ours there may be between the user's code and caller.
const maxFrames = 24

// caller returns the return address in the code that called this module, and the one in the
// function of ours that was called there.
func caller() (place, call uintptr) {
	hideOrder() // of known: see list.go
	defer showOrder()
	var few [6]uintptr
	pcs := few[:runtime.Callers(3, few[:])]
	for i, pc := range pcs {
		if !isOurs(pc) {
			return pc, call
		}
		call = pcs[i]
	}
	if len(pcs) < len(few) {
		return 0, call // a goroutine of ours
	}
	var many [maxFrames]uintptr
	for _, pc := range many[:runtime.Callers(3+len(few), many[:])] {
		if !isOurs(pc) {
			return pc, call
		}
		call = pc
	}
	return 0, call
}

// known remembers of addresses whether they are ours: each element is an address shifted by
// one bit, with the answer in the lowest. An element may be overwritten by another address.
var known [1024]atomic.Uint64

// isOurs reports whether a return address is in a package of this module.
func isOurs(pc uintptr) bool {
	at := &known[(pc>>2^pc>>12)%uintptr(len(known))]
	if entry := at.Load(); entry>>1 == uint64(pc) {
		return entry&1 == 1
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	entry, ours := uint64(pc)<<1, ownFunction(frame.Function)
	if ours {
		entry |= 1
	}
	at.Store(entry)
	return ours
}

// modulePath is the path of this module, with a slash.
var modulePath = strings.TrimSuffix(reflect.TypeFor[Node]().PkgPath(), "internal/record")

// ownPackages are the folders of the packages whose calls are not shown. Programs in
// examples, and tests, are programs like the user's.
var ownPackages = []string{
	"cancelscope", "deadline", "errgroup", "grpc", "internal/record", "memchan", "nursery",
	"serve", "tasktree", "tasktree/debug", "tasktree/tasktest", "temporal",
}

// between are the packages of the standard library that may call our code for our own.
var between = []string{"runtime.", "sync.", "iter."}

// ownFunction reports whether a function with that name, as package runtime gives it, is in
// a package of this module, or one that stands between those.
func ownFunction(name string) bool {
	for _, prefix := range between {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	name, ok := strings.CutPrefix(name, modulePath)
	if !ok {
		return false
	}
	for _, dir := range ownPackages {
		if rest, ok := strings.CutPrefix(name, dir); ok && strings.HasPrefix(rest, ".") {
			return true
		}
	}
	return false
}

// OwnFunction reports whether a call of a function with that name is not shown: it is in a
// package of this module, or inside the runtime or package sync.
func OwnFunction(name string) bool { return ownFunction(name) }

// FuncName returns the name of the function with that entry, without its import path.
func FuncName(entry uintptr) string {
	f := runtime.FuncForPC(entry)
	if f == nil {
		return ""
	}
	return ShortFunc(f.Name())
}

// ShortFunc returns the name of a function without its import path, and without the marks
// of method values and generic functions.
func ShortFunc(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimSuffix(name, "-fm")       // a method value
	name = strings.ReplaceAll(name, "[...]", "") // type arguments
	return strings.ReplaceAll(name, "%2e", ".")  // a dot in the last part of an import path
}

// goroutineID returns the number of the calling goroutine. There is no other way to learn
// it than from the text of a stack.
func goroutineID() (id uint64) {
	var buf [40]byte
	text := strings.TrimPrefix(string(buf[:runtime.Stack(buf[:], false)]), "goroutine ")
	for _, digit := range []byte(text) {
		if digit < '0' || digit > '9' {
			break
		}
		id = 10*id + uint64(digit-'0')
	}
	return id
}
