// Package grpc
package grpc
