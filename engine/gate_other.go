//go:build !linux

package engine

import (
	"context"
	"errors"
	"net"
)

func listenGuarded() (*net.TCPListener, error) {
	return nil, errors.New("only Linux can choose who reaches a listener")
}

// dialGuarded is not reached, because no listener is guarded.
func dialGuarded(context.Context, *net.TCPListener, string) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}

func ours(*net.TCPConn) bool { return false }
