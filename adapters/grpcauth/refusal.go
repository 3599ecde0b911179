package grpcauth

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bearerproof/bearerproof/verifier"
)

// ErrorDomain is the domain of the ErrorInfo in refusals. Its reasons are the names
// of [verifier.Kind] in capitals.
const ErrorDomain = "bearerproof"

// answer is what a refusal deserves. The message may be sent: it contains nothing of
// the call or the error.
type answer struct {
	code    codes.Code
	message string
}

// answerTo chooses the answer to an error. The context is that of the call.
func answerTo(ctx context.Context, err error) answer {
	switch kind := verifier.KindOf(err); kind {
	case verifier.ErrNoCredentials:
		return answer{codes.Unauthenticated, "a bearer token is required"}
	case verifier.ErrInvalidRequest:
		return answer{codes.Unauthenticated, "invalid_request: the authorization metadata must be one bearer credential"}
	case verifier.ErrForbidden:
		return answer{codes.PermissionDenied, "insufficient_scope: the access token is not sufficient for this call"}
	case verifier.ErrKeysUnavailable:
		return answer{codes.Unavailable, "access tokens cannot be verified at the moment"}
	case verifier.ErrUnavailable:
		return answer{codes.Unavailable, "the call cannot be authorized at the moment"}
	case verifier.ErrCanceled:
		return answerToEnd(ctx)
	default:
		if errors.Is(kind, verifier.ErrInvalidToken) {
			return answer{codes.Unauthenticated, "invalid_token: the access token is not valid"}
		}
		return answer{codes.Internal, "the call could not be authorized"}
	}
}

// answerToEnd answers an error of a context. If the caller still waits, it was a
// limit of the service's own that ran out, say on a database query of a Check.
func answerToEnd(ctx context.Context) answer {
	switch ended := ctx.Err(); {
	case ended == nil:
		return answer{codes.Unavailable, "the call cannot be authorized at the moment"}
	case errors.Is(ended, context.DeadlineExceeded):
		return answer{codes.DeadlineExceeded, "the deadline passed before the call was authorized"}
	default:
		return answer{codes.Canceled, "the call was canceled before it was authorized"}
	}
}

// refuse logs why a call is not let through and returns the status for the client.
// The token is nil unless it is good.
func (a *Auth) refuse(ctx context.Context, method string, t *verifier.Token, err error) error {
	answer := answerTo(ctx, err)
	a.log(ctx, "call refused", method, t, answer, err)
	return answer.status(err).Err()
}

// status returns the answer with the details that its code has.
func (a answer) status(err error) *status.Status {
	bare := status.New(a.code, a.message)
	var details []protoadapt.MessageV1
	switch a.code {
	case codes.Unauthenticated, codes.PermissionDenied:
		details = append(details, errorInfo(err))
	case codes.Unavailable:
		details = append(details, errorInfo(err),
			&errdetails.RetryInfo{RetryDelay: durationpb.New(verifier.RetryAfter(err))})
	default:
		return bare
	}
	detailed, failed := bare.WithDetails(details...)
	if failed != nil {
		return bare
	}
	return detailed
}

// errorInfo describes an error by its kind alone, and by the scope that a check
// asked for.
func errorInfo(err error) *errdetails.ErrorInfo {
	info := &errdetails.ErrorInfo{
		Reason: strings.ToUpper(verifier.KindOf(err).String()),
		Domain: ErrorDomain,
	}
	if e, ok := errors.AsType[*verifier.Error](err); ok && e.Kind == verifier.ErrForbidden && e.Scope != "" {
		// protobuf cannot carry invalid UTF-8, which a Check of the service's own may
		// have put here.
		info.Metadata = map[string]string{"scope": strings.ToValidUTF8(e.Scope, "?")}
	}
	return info
}

// log writes the one line of a refusal.
func (a *Auth) log(ctx context.Context, message, method string, t *verifier.Token, answer answer, err error) {
	logger, level := slog.Default(), levelOf(answer.code)
	if a != nil && a.logger != nil {
		logger = a.logger
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("kind", verifier.KindOf(err).String()),
		slog.String("code", answer.code.String()),
		slog.String("method", shortened(method)),
		slog.String("error", err.Error()),
	}
	if t != nil {
		attrs = append(attrs, slog.Any("caller", t))
	}
	logger.LogAttrs(ctx, level, message, attrs...)
}

// levelOf keeps what anybody can cause, as often as they like, out of a log of level
// Info.
func levelOf(code codes.Code) slog.Level {
	switch code {
	case codes.PermissionDenied:
		return slog.LevelInfo
	case codes.Unavailable:
		return slog.LevelWarn
	case codes.Internal:
		return slog.LevelError
	default:
		return slog.LevelDebug
	}
}

// shortened cuts a method, which a client may make as long as a header can be where
// the server has a handler for unknown services.
func shortened(method string) string {
	return method[:min(len(method), 256)]
}
