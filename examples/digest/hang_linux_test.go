package main_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/trellis-go/trellis/examples/internal/proctest"
)

// hanging mounts a file system whose server never answers.
func hanging(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device.Fd())
	if err := unix.Mount("test", dir, "fuse", 0, options); err != nil {
		device.Close()
		t.Skip("mounting a file system: ", err)
	}
	t.Cleanup(func() {
		device.Close() // ends every call that still waits
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Neither a file nor a directory of which the system does not say anything holds up the
// end of the program.
func TestHangingFileSystem(t *testing.T) {
	files := map[string]string{"a": "1"}
	dir, stuck := tree(t, files), hanging(t)
	for _, root := range []string{stuck, stuck + "/", stuck + "/file"} {
		p := proctest.Start(t, dir, root)
		p.Out.Await(t, "/a$")
		p.Signal(t, syscall.SIGINT)
		ended(t, p).expect(t, "digest DIR "+root, 130, lines(dir, files, "a"), "digest: interrupted (interrupt signal received): 1 file, ")
	}
}

// The log of the kernel is a regular file that is read until the machine stops.
func TestKernelLog(t *testing.T) {
	const kernelLog = "/proc/kmsg"
	if f, err := os.OpenFile(kernelLog, os.O_RDONLY|unix.O_NONBLOCK, 0); err != nil {
		t.Skip(err)
	} else {
		f.Close()
	}
	files := map[string]string{"a": "1"}
	dir := tree(t, files)
	p := proctest.Start(t, dir, kernelLog)
	p.Out.Await(t, "/a$")
	p.Signal(t, syscall.SIGINT)
	got := ended(t, p)
	got.expect(t, "digest DIR "+kernelLog, 130, lines(dir, files, "a"), "digest: interrupted (interrupt signal received): 1 file, ")
	if strings.Contains(got.stderr, "unreadable") {
		t.Errorf("digest %s: standard error\n%swant no unreadable file", kernelLog, got.stderr)
	}
}
