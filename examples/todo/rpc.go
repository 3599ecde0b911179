package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/examples/todo/todov1"
	"github.com/bearerproof/bearerproof/verifier"
)

// rpc is the gRPC interface.
type rpc struct {
	todov1.UnimplementedTodoServiceServer
	store    *store.Store
	log      *slog.Logger
	watchers *watchers
}

// newRPC makes the gRPC server.
func newRPC(a auth, todos *rpc, h health) (*grpc.Server, error) {
	options := slices.Concat(logCalls(todos.log), limitCalls(), []grpc.ServerOption{decodeLate(), grpc.ChainStreamInterceptor(todos.limitWatches)})
	s := grpc.NewServer(a.grpc.ServerOptions(options...)...)
	s.RegisterService(readable(&todov1.TodoService_ServiceDesc), todos)
	s.RegisterService(readable(&grpc_health_v1.Health_ServiceDesc), rpcHealth{health: h})
	return s, a.grpc.Validate(s)
}

// rpcChecks says what a caller needs for each method, besides a token.
func rpcChecks() map[string][]verifier.Check {
	read, write := []verifier.Check{verifier.Scopes(scopeRead)}, []verifier.Check{verifier.Scopes(scopeWrite)}
	return map[string][]verifier.Check{
		todov1.TodoService_ListTodos_FullMethodName:  read,
		todov1.TodoService_GetTodo_FullMethodName:    read,
		todov1.TodoService_WatchTodos_FullMethodName: read,
		todov1.TodoService_CreateTodo_FullMethodName: write,
		todov1.TodoService_UpdateTodo_FullMethodName: write,
		todov1.TodoService_DeleteTodo_FullMethodName: write,
	}
}

// ListTodos implements todov1.TodoServiceServer.
func (s *rpc) ListTodos(ctx context.Context, in *todov1.ListTodosRequest) (*todov1.ListTodosResponse, error) {
	owner, err := ownerOf(ctx)
	if err != nil {
		return nil, err
	}
	limit := int(in.GetPageSize())
	if limit == 0 {
		limit = defaultLimit
	}
	if limit < 1 || limit > maxLimit {
		return nil, status.Error(codes.InvalidArgument, "page_size must be from 1 to 1000")
	}
	if after := in.GetPageToken(); after != "" && !store.ValidID(after) {
		return nil, status.Error(codes.InvalidArgument, "page_token is not one that this service gave")
	}
	todos, next, err := s.store.List(ctx, owner, in.GetPageToken(), limit)
	if err != nil {
		return nil, s.statusOf(ctx, err)
	}
	out := &todov1.ListTodosResponse{NextPageToken: next}
	for _, t := range todos {
		out.Todos = append(out.Todos, toProto(t))
	}
	return out, nil
}

// CreateTodo implements todov1.TodoServiceServer.
func (s *rpc) CreateTodo(ctx context.Context, in *todov1.CreateTodoRequest) (*todov1.Todo, error) {
	return s.answer(ctx, func(owner string) (store.Todo, error) {
		return s.store.Create(ctx, owner, in.GetTitle())
	})
}

// GetTodo implements todov1.TodoServiceServer.
func (s *rpc) GetTodo(ctx context.Context, in *todov1.GetTodoRequest) (*todov1.Todo, error) {
	return s.answer(ctx, func(owner string) (store.Todo, error) {
		return s.store.Get(ctx, owner, in.GetId())
	})
}

// UpdateTodo implements todov1.TodoServiceServer.
func (s *rpc) UpdateTodo(ctx context.Context, in *todov1.UpdateTodoRequest) (*todov1.Todo, error) {
	return s.answer(ctx, func(owner string) (store.Todo, error) {
		return s.store.Update(ctx, owner, in.GetId(), store.Patch{Title: in.Title, Done: in.Done}, ifVersion(in.IfVersion)...)
	})
}

// DeleteTodo implements todov1.TodoServiceServer.
func (s *rpc) DeleteTodo(ctx context.Context, in *todov1.DeleteTodoRequest) (*todov1.DeleteTodoResponse, error) {
	owner, err := ownerOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.store.Delete(ctx, owner, in.GetId(), ifVersion(in.IfVersion)...); err != nil {
		return nil, s.statusOf(ctx, err)
	}
	return &todov1.DeleteTodoResponse{}, nil
}

// WatchTodos implements todov1.TodoServiceServer. Send may wait for a client
// that does not read; the store does not, and ends a watch that is far behind.
func (s *rpc) WatchTodos(_ *todov1.WatchTodosRequest, stream grpc.ServerStreamingServer[todov1.WatchTodosResponse]) error {
	ctx := stream.Context()
	owner, err := ownerOf(ctx)
	if err != nil {
		return err
	}
	watch, err := s.store.Watch(owner)
	if err != nil {
		return s.statusOf(ctx, err)
	}
	defer watch.Close()
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	for {
		select {
		case change, open := <-watch.Changes():
			if !open {
				return s.statusOf(ctx, watch.Err())
			}
			if err := stream.Send(changeToProto(change)); err != nil {
				return err
			}
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

// limitWatches bounds the streams of each caller, whether their message has come or
// not: it runs once the token is verified, and a message may never come.
func (s *rpc) limitWatches(service any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	owner, err := ownerOf(stream.Context())
	if err != nil {
		return err
	}
	if !s.watchers.enter(owner) {
		return status.Error(codes.ResourceExhausted, "too many watches: end another one first")
	}
	defer s.watchers.leave(owner)
	return handler(service, stream)
}

// answer calls do as the caller and gives its todo.
func (s *rpc) answer(ctx context.Context, do func(owner string) (store.Todo, error)) (*todov1.Todo, error) {
	owner, err := ownerOf(ctx)
	if err != nil {
		return nil, err
	}
	t, err := do(owner)
	if err != nil {
		return nil, s.statusOf(ctx, err)
	}
	return toProto(t), nil
}

// statusOf is problemOf for gRPC.
func (s *rpc) statusOf(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return status.Error(codes.NotFound, "there is no such todo")
	case errors.Is(err, store.ErrConflict):
		return status.Error(codes.Aborted, "the todo has been changed since")
	case errors.Is(err, store.ErrTitle):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, store.ErrSlow):
		return status.Error(codes.ResourceExhausted, "changes came faster than they were read or told: list the todos again")
	case errors.Is(err, store.ErrInterrupted):
		s.log.WarnContext(ctx, "a watch was ended", "error", err)
		return status.Error(codes.Unavailable, "changes may have been missed: list the todos again")
	case errors.Is(err, store.ErrClosed):
		return status.Error(codes.Unavailable, "the server is stopping")
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	s.log.ErrorContext(ctx, "the store failed", "error", err)
	return status.Error(codes.Unavailable, "the todos cannot be reached at the moment")
}

// ownerOf returns the verified subject. Without one the service was mounted
// without authentication, which is a bug.
func ownerOf(ctx context.Context) (string, error) {
	token, ok := verifier.FromContext(ctx)
	if !ok {
		return "", status.Error(codes.Internal, "internal error")
	}
	return token.Subject(), nil
}

// ifVersion is ifMatch for gRPC.
func ifVersion(version *int64) []store.Condition {
	if version == nil {
		return nil
	}
	return []store.Condition{store.At(*version)}
}

func toProto(t store.Todo) *todov1.Todo {
	return &todov1.Todo{
		Id: t.ID, Title: t.Title, Done: t.Done, Version: t.Version,
		CreatedAt: timestamppb.New(t.CreatedAt), UpdatedAt: timestamppb.New(t.UpdatedAt),
	}
}

func changeToProto(c store.Change) *todov1.WatchTodosResponse {
	out := &todov1.WatchTodosResponse{Kind: kindOf(c.Kind)}
	if c.Kind == store.Deleted {
		out.Todo = &todov1.Todo{Id: c.Todo.ID, Version: c.Todo.Version}
	} else {
		out.Todo = toProto(c.Todo)
	}
	return out
}

func kindOf(k store.ChangeKind) todov1.WatchTodosResponse_Kind {
	switch k {
	case store.Created:
		return todov1.WatchTodosResponse_KIND_CREATED
	case store.Updated:
		return todov1.WatchTodosResponse_KIND_UPDATED
	case store.Deleted:
		return todov1.WatchTodosResponse_KIND_DELETED
	}
	return todov1.WatchTodosResponse_KIND_UNSPECIFIED
}
