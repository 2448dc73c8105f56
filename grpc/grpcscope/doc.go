// Package grpcscope
package grpcscope
