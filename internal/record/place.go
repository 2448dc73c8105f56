package record

import (
	"reflect"
	"runtime"
	"slices"
	"strconv"
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
	for _, pc := range pcs {
		if !isOurs(pc) {
			return pc, call
		}
		call = pc
	}
	if len(pcs) < len(few) {
		return 0, outermost(pcs)
	}
	var many [maxFrames]uintptr
	rest := many[:runtime.Callers(3+len(few), many[:])]
	for _, pc := range rest {
		if !isOurs(pc) {
			return pc, call
		}
		call = pc
	}
	return 0, outermost(append(pcs[:len(pcs):len(pcs)], rest...))
}

// outermost returns the last of the addresses that is in this module, and not in the runtime.
func outermost(pcs []uintptr) uintptr {
	for _, pc := range slices.Backward(pcs) {
		if function, _, _ := Frame(pc); strings.HasPrefix(function, modulePath) {
			return pc
		}
	}
	return 0
}

// placeOfGoroutine finds the place of a node that was made in a goroutine which runs no code of
// the user: a goroutine of the nursery's own, or one of a go statement that calls this module
// directly.
func (n *Node) placeOfGoroutine(parent *Node) {
	if n.Kind() != Item {
		file, line, own := creator()
		if !own {
			n.place = placeOf(file, line)
			return
		}
	}
	if n.place, n.call = 0, 0; parent != nil {
		n.place, n.call = parent.place, parent.call
	}
}

// creator returns the line of the go statement that began the calling goroutine, and whether
// that is in this module. The runtime gives it only in the text of the stack, which is short
// here, because there are few calls.
func creator() (file string, line int, own bool) {
	buf := make([]byte, 8<<10)
	text := string(buf[:runtime.Stack(buf, false)])
	_, text, ok := strings.Cut(text, "\ncreated by ")
	if !ok {
		return "", 0, false
	}
	function, text, _ := strings.Cut(text, "\n\t")
	function, _, _ = strings.Cut(function, " in goroutine ")
	if OwnFunction(function) {
		return "", 0, strings.HasPrefix(function, modulePath)
	}
	text, _, _ = strings.Cut(text, "\n")
	text, _, _ = strings.Cut(text, " +0x")
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return "", 0, false
	}
	line, _ = strconv.Atoi(text[colon+1:])
	return text[:colon], line, false
}

// A goStatement is a place that is known without an address.
type goStatement struct {
	file string
	line int
}

// goStatements are the places that are known without an address. The place of a node is the
// index of one plus 1, which is the address of no code. An element is written once.
var goStatements [1024]atomic.Pointer[goStatement]

// placeOf returns what stands for a place, zero if there are too many.
//
//go:norace
func placeOf(file string, line int) uintptr {
	if file == "" {
		return 0
	}
	hideOrder()
	defer showOrder()
	fresh := &goStatement{file, line}
	for i := range goStatements {
		if goStatements[i].CompareAndSwap(nil, fresh) {
			return uintptr(i + 1)
		}
		if at := goStatements[i].Load(); at.line == line && at.file == file {
			return uintptr(i + 1)
		}
	}
	return 0
}

// known remembers of addresses whether they are ours: each element is an address shifted by
// one bit, with the answer in the lowest, or zero. An address has several places where it may
// be, so that of the calls of a program that start tasks again and again, two do not take the
// place of each other each time: to look an address up costs half a kilobyte. If all are
// taken, one is overwritten.
var known [knownSets][8]atomic.Uint64

const knownSets = 256 // a power of two

// isOurs reports whether a return address is in a package of this module.
func isOurs(pc uintptr) bool {
	hash := uint64(pc) * 0x9e3779b97f4a7c15 // so that addresses near each other are in different sets
	set := &known[hash>>32%knownSets]
	free := &set[hash>>48%uint64(len(set))]
	for i := range set {
		entry := set[i].Load()
		if entry>>1 == uint64(pc) {
			return entry&1 == 1
		}
		if entry == 0 {
			free = &set[i]
			break
		}
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	entry, ours := uint64(pc)<<1, OwnFunction(frame.Function)
	if ours {
		entry |= 1
	}
	free.Store(entry)
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

// OwnFunction reports whether a call of a function with that name, as package runtime gives
// it, is not shown: it is in a package of this module, or of those that stand between.
func OwnFunction(name string) bool {
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

// CalledFunc returns the function of ours in which call is a return address: "nursery.Go" for
// "nursery.(*Nursery).Go", and "nursery.MapSeq" for the function that MapSeq returns.
func CalledFunc(call uintptr) string {
	function, _, _ := Frame(call)
	name, _, _ := strings.Cut(ShortFunc(function), ".func")
	if open := strings.IndexByte(name, '('); open >= 0 {
		if end := strings.IndexByte(name[open:], ')'); end >= 0 && open+end+2 <= len(name) {
			return name[:open] + name[open+end+2:]
		}
	}
	return name
}

// Title returns what something without a name is called, that was made by a call of a
// function which CalledFunc has returned: "ForEach" for "nursery.ForEach", and "nursery" for a
// nursery of Run, or if the function is not known.
func Title(called string) string {
	if called == "" || called == "nursery.Run" || called == "nursery.Config.Run" {
		return "nursery"
	}
	return strings.TrimPrefix(called, "nursery.")
}
