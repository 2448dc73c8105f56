package baregoroutineok

import "testing"

func TestX(t *testing.T) {
	done := make(chan struct{})
	go close(done)
	<-done
}
