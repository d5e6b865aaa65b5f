// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"cmp"
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
)

// maxTxnOps is etcd's default bound on the operations of a transaction.
const maxTxnOps = 128

// Txn compares, and applies one of two lists of operations as one change.
func (s server) Txn(ctx context.Context, r *pb.TxnRequest, _ ...grpc.CallOption) (*pb.TxnResponse, error) {
	if max(len(r.Compare), len(r.Success), len(r.Failure)) > maxTxnOps {
		return nil, rpctypes.ErrTooManyOps
	}
	var response *pb.TxnResponse
	rev, err := s.store.update(ctx, func(t *txn) (err error) {
		response, err = txnIn(t, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	response.Header = header(rev)
	return response, nil
}

func txnIn(t *txn, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	response := &pb.TxnResponse{Succeeded: true}
	for _, c := range r.Compare {
		holds, err := compareIn(t, c)
		if err != nil {
			return nil, err
		}
		response.Succeeded = response.Succeeded && holds
	}
	operations := r.Success
	if !response.Succeeded {
		operations = r.Failure
	}
	for _, operation := range operations {
		result, err := operationIn(t, operation)
		if err != nil {
			return nil, err
		}
		response.Responses = append(response.Responses, result)
	}
	return response, nil
}

func operationIn(t *txn, operation *pb.RequestOp) (*pb.ResponseOp, error) {
	switch r := operation.Request.(type) {
	case *pb.RequestOp_RequestRange:
		if r.RequestRange.Revision != 0 {
			return nil, unsupported("Range at a revision within a transaction")
		}
		if err := checkRange(r.RequestRange); err != nil {
			return nil, err
		}
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: rangeOf(t.tree, r.RequestRange)}}, nil
	case *pb.RequestOp_RequestPut:
		response, err := putIn(t, r.RequestPut)
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponsePut{ResponsePut: response}}, err
	case *pb.RequestOp_RequestDeleteRange:
		response, err := deleteIn(t, r.RequestDeleteRange)
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: response}}, err
	default:
		return nil, unsupported("a transaction within a transaction")
	}
}

// compareIn reports whether a comparison holds. The numbers of a missing key are 0.
func compareIn(t *txn, c *pb.Compare) (bool, error) {
	switch {
	case len(c.Key) == 0:
		return false, rpctypes.ErrEmptyKey
	case len(c.RangeEnd) != 0:
		return false, unsupported("a comparison of a range")
	case c.Result != pb.Compare_EQUAL:
		return false, unsupported("comparison " + c.Result.String())
	}
	kv := cmp.Or(t.get(c.Key), &mvccpb.KeyValue{})
	switch c.Target {
	case pb.Compare_VERSION:
		return kv.Version == c.GetVersion(), nil
	case pb.Compare_MOD:
		return kv.ModRevision == c.GetModRevision(), nil
	default:
		return false, unsupported("comparison of " + c.Target.String())
	}
}
