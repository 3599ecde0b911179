package conformance

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
)

// grpcDoor is grpcauth on a server in memory. Its one method is the health check, which
// asks for a token here.
func grpcDoor() door {
	return door{
		name:      "gRPC",
		transport: "grpc",
		now:       stopped,
		limit:     16 << 20, // gRPC's default
		unable:    unableGRPC,
		open: func(t *testing.T, c Config) gate {
			auth := grpcauth.New(newVerifier(t, c), &grpcauth.Options{Logger: slog.New(slog.DiscardHandler)})
			server := grpc.NewServer(auth.ServerOptions()...)
			grpc_health_v1.RegisterHealthServer(server, health.NewServer())
			listener := bufconn.Listen(1 << 20)
			served := make(chan error, 1)
			go func() { served <- server.Serve(listener) }()
			t.Cleanup(func() {
				server.Stop()
				if err := <-served; err != nil {
					t.Error(err)
				}
			})
			return grpcGate(grpc_health_v1.Health_Check_FullMethodName, func() (net.Conn, error) { return listener.DialContext(t.Context()) })
		},
	}
}

func unableGRPC(row Row) string {
	if row.Credential.Query != "" || row.Credential.Body != "" {
		return "gRPC has neither a query nor a form"
	}
	return ""
}

// grpcGate speaks HTTP/2 itself, because a client of gRPC refuses to send some of the
// fields. The call has an empty message.
func grpcGate(method string, dial func() (net.Conn, error)) gate {
	return func(t *testing.T, r request) reply {
		t.Helper()
		conn, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		framer := http2.NewFramer(conn, conn)
		framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		written := make(chan struct{})
		go func() {
			defer close(written)
			_ = writeCall(conn, framer, method, r.Credential) // the server may have heard enough
		}()
		defer func() { _ = conn.Close(); <-written }()
		fields, err := readCall(framer)
		if err != nil {
			return reply{byTransport, "no answer: " + err.Error()}
		}
		return grpcReply(fields)
	}
}

func writeCall(conn net.Conn, framer *http2.Framer, method string, c Credential) error {
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return err
	}
	if err := framer.WriteSettings(); err != nil {
		return err
	}
	block := headerBlock(method, c)
	const most = 16 << 10 // octets in a frame
	first := block[:min(len(block), most)]
	block = block[len(first):]
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: first, EndHeaders: len(block) == 0}); err != nil {
		return err
	}
	for len(block) > 0 {
		part := block[:min(len(block), most)]
		block = block[len(part):]
		if err := framer.WriteContinuation(1, len(block) == 0, part); err != nil {
			return err
		}
	}
	return framer.WriteData(1, true, make([]byte, 5)) // not compressed, and of no length
}

// headerBlock encodes the fields. One space behind the colon is the notation's.
func headerBlock(method string, c Credential) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	fields := []string{":method: POST", ":scheme: http", ":path: " + method, ":authority: api.example.com", "content-type: application/grpc", "te: trailers"}
	for _, field := range append(fields, c.Fields...) {
		name, value, _ := strings.Cut(field[1:], ":")
		name, value = field[:1]+name, strings.TrimPrefix(value, " ")
		_ = encoder.WriteField(hpack.HeaderField{Name: strings.ToLower(name), Value: value}) // a buffer takes all
	}
	return block.Bytes()
}

// readCall returns the fields of the answer, those of its header and of its trailer.
func readCall(framer *http2.Framer) (map[string]string, error) {
	fields := map[string]string{}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range frame.Fields {
				fields[field.Name] = field.Value
			}
			if frame.StreamEnded() {
				return fields, nil
			}
		case *http2.RSTStreamFrame:
			return nil, fmt.Errorf("the stream was reset: %v", frame.ErrCode)
		case *http2.GoAwayFrame:
			return nil, errors.New("the connection ends")
		}
	}
}

// grpcReply reads the details of a status (google.rpc.ErrorInfo), which only the library
// sends.
func grpcReply(fields map[string]string) reply {
	text := fmt.Sprint(fields)
	if fields["grpc-status"] == "0" {
		return reply{"accepted", text}
	}
	encoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(fields["grpc-status-details-bin"], "="))
	var details status.Status
	if err != nil || len(encoded) == 0 || proto.Unmarshal(encoded, &details) != nil {
		return reply{byTransport, text}
	}
	for _, detail := range details.GetDetails() {
		var info errdetails.ErrorInfo
		if detail.UnmarshalTo(&info) == nil && info.GetDomain() == grpcauth.ErrorDomain && fields["grpc-status"] == "16" {
			return reply{strings.ToLower(info.GetReason()), text}
		}
	}
	return reply{"odd", text}
}
