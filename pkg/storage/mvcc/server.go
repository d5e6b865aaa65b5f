// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
)

// server answers the requests that etcd's client builds from the calls of its caller. It ignores call options.
type server struct {
	store *Store
}

var _ pb.KVClient = server{}

// Range reads a range of keys.
func (s server) Range(ctx context.Context, r *pb.RangeRequest, _ ...grpc.CallOption) (*pb.RangeResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkRange(r); err != nil {
		return nil, err
	}
	state, err := s.store.read()
	if err != nil {
		return nil, err
	}
	t, err := state.at(r.Revision)
	if err != nil {
		return nil, err
	}
	response := rangeOf(t, r)
	response.Header = header(state.rev)
	return response, nil
}

// Put writes one key.
func (s server) Put(ctx context.Context, r *pb.PutRequest, _ ...grpc.CallOption) (*pb.PutResponse, error) {
	var response *pb.PutResponse
	rev, err := s.store.update(ctx, func(t *txn) (err error) {
		response, err = putIn(t, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	response.Header = header(rev)
	return response, nil
}

// DeleteRange deletes the keys of a range.
func (s server) DeleteRange(
	ctx context.Context,
	r *pb.DeleteRangeRequest,
	_ ...grpc.CallOption,
) (*pb.DeleteRangeResponse, error) {
	var response *pb.DeleteRangeResponse
	rev, err := s.store.update(ctx, func(t *txn) (err error) {
		response, err = deleteIn(t, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	response.Header = header(rev)
	return response, nil
}

// Compact drops the history before a revision.
func (s server) Compact(
	ctx context.Context,
	r *pb.CompactionRequest,
	_ ...grpc.CallOption,
) (*pb.CompactionResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.store.compact(r.Revision); err != nil {
		return nil, err
	}
	return &pb.CompactionResponse{Header: header(s.store.state.Load().rev)}, nil
}

// unsupported is the error of requests that the store does not implement.
func unsupported(what string) error {
	return fmt.Errorf("mvcc: %s: %w", what, errors.ErrUnsupported)
}

func header(rev int64) *pb.ResponseHeader { return &pb.ResponseHeader{Revision: rev} }

func checkRange(r *pb.RangeRequest) error {
	switch {
	case len(r.Key) == 0:
		return rpctypes.ErrEmptyKey
	case r.SortOrder == pb.RangeRequest_DESCEND,
		r.SortOrder != pb.RangeRequest_NONE && r.SortTarget != pb.RangeRequest_KEY:
		return unsupported("Range with a sort order other than ascending by key")
	case r.MinModRevision != 0, r.MaxModRevision != 0, r.MinCreateRevision != 0, r.MaxCreateRevision != 0:
		return unsupported("Range with bounds on revisions")
	}
	return nil
}

func rangeOf(t *tree, r *pb.RangeRequest) *pb.RangeResponse {
	response := &pb.RangeResponse{}
	keyRange{r.Key, r.RangeEnd}.ascend(t, func(kv *mvccpb.KeyValue) bool {
		response.Count++
		switch {
		case r.CountOnly:
		case r.Limit > 0 && int64(len(response.Kvs)) == r.Limit:
			response.More = true // keep counting, as etcd does
		case r.KeysOnly:
			bare := *kv
			bare.Value = nil
			response.Kvs = append(response.Kvs, &bare)
		default:
			response.Kvs = append(response.Kvs, kv)
		}
		return true
	})
	return response
}

func putIn(t *txn, r *pb.PutRequest) (*pb.PutResponse, error) {
	if r.Lease != 0 || r.IgnoreValue || r.IgnoreLease {
		return nil, unsupported("Put with a lease, or that keeps the value")
	}
	previous, err := t.put(r.Key, r.Value)
	if err != nil {
		return nil, err
	}
	response := &pb.PutResponse{}
	if r.PrevKv {
		response.PrevKv = previous
	}
	return response, nil
}

func deleteIn(t *txn, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	deleted, err := t.delete(keyRange{r.Key, r.RangeEnd})
	if err != nil {
		return nil, err
	}
	response := &pb.DeleteRangeResponse{Deleted: int64(len(deleted))}
	if r.PrevKv {
		response.PrevKvs = deleted
	}
	return response, nil
}
