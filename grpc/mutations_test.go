package grpc_test

import (
	"testing"

	"github.com/trellis-go/trellis/internal/repocheck"
)

// The list must fit the code at any time. Whether the tests notice each mutation is tried by
//
//	TRELLIS_MUTATIONS=. go test -C grpc -v -run TestMutations -timeout 2h .
func TestMutations(t *testing.T) { repocheck.TestMutations(t, 40, []string{"./grpcscope"}) }
