package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec "proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// undecoded is a message as it came.
type undecoded []byte

// lateCodec leaves a message that is asked for as undecoded to the caller.
// grpc-go answers Internal, which blames the server, when its codec fails, and
// lets nobody change that; so the decoding is done after it.
type lateCodec struct{ encoding.CodecV2 }

// Unmarshal implements encoding.CodecV2.
func (c lateCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, ok := v.(*undecoded); ok {
		*raw = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// decodeLate returns the server option that [readable] services need.
func decodeLate() grpc.ServerOption {
	return grpc.ForceServerCodecV2(lateCodec{encoding.GetCodecV2("proto")})
}

// readable returns a service whose methods answer InvalidArgument to a message
// that cannot be decoded.
func readable(service *grpc.ServiceDesc) *grpc.ServiceDesc {
	out := *service
	out.Methods = nil
	for _, m := range service.Methods {
		handler := m.Handler
		m.Handler = func(srv any, ctx context.Context, receive func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			return handler(srv, ctx, func(message any) error { return decode(receive, message) }, interceptor)
		}
		out.Methods = append(out.Methods, m)
	}
	out.Streams = nil
	for _, m := range service.Streams {
		handler := m.Handler
		m.Handler = func(srv any, stream grpc.ServerStream) error { return handler(srv, readableStream{stream}) }
		out.Streams = append(out.Streams, m)
	}
	return &out
}

type readableStream struct{ grpc.ServerStream }

// RecvMsg implements grpc.ServerStream.
func (s readableStream) RecvMsg(message any) error {
	return decode(s.ServerStream.RecvMsg, message)
}

func decode(receive func(any) error, message any) error {
	into, ok := message.(proto.Message)
	if !ok {
		return receive(message)
	}
	var raw undecoded
	if err := receive(&raw); err != nil {
		return err
	}
	if err := proto.Unmarshal(raw, into); err != nil {
		return status.Error(codes.InvalidArgument, "the message cannot be decoded")
	}
	return nil
}
