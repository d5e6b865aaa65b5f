// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"fmt"
	"io"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// unsupported is the answer to what the store doesn't do.
func unsupported(what string) error {
	return fmt.Errorf("mvcc: %s: %w", what, errors.ErrUnsupported)
}

// absent answers for what an etcd cluster has and a store in the process
// doesn't.
type absent struct{}

var (
	_ clientv3.Auth        = absent{}
	_ clientv3.Cluster     = absent{}
	_ clientv3.Maintenance = absent{}
)

func (absent) Authenticate(context.Context, string, string) (*clientv3.AuthenticateResponse, error) {
	return nil, unsupported("Authenticate")
}

func (absent) AuthEnable(context.Context) (*clientv3.AuthEnableResponse, error) {
	return nil, unsupported("AuthEnable")
}

func (absent) AuthDisable(context.Context) (*clientv3.AuthDisableResponse, error) {
	return nil, unsupported("AuthDisable")
}

func (absent) AuthStatus(context.Context) (*clientv3.AuthStatusResponse, error) {
	return nil, unsupported("AuthStatus")
}

func (absent) UserAdd(context.Context, string, string) (*clientv3.AuthUserAddResponse, error) {
	return nil, unsupported("UserAdd")
}

func (absent) UserAddWithOptions(context.Context, string, string, *clientv3.UserAddOptions) (*clientv3.AuthUserAddResponse, error) {
	return nil, unsupported("UserAddWithOptions")
}

func (absent) UserDelete(context.Context, string) (*clientv3.AuthUserDeleteResponse, error) {
	return nil, unsupported("UserDelete")
}

func (absent) UserChangePassword(context.Context, string, string) (*clientv3.AuthUserChangePasswordResponse, error) {
	return nil, unsupported("UserChangePassword")
}

func (absent) UserGrantRole(context.Context, string, string) (*clientv3.AuthUserGrantRoleResponse, error) {
	return nil, unsupported("UserGrantRole")
}

func (absent) UserGet(context.Context, string) (*clientv3.AuthUserGetResponse, error) {
	return nil, unsupported("UserGet")
}

func (absent) UserList(context.Context) (*clientv3.AuthUserListResponse, error) {
	return nil, unsupported("UserList")
}

func (absent) UserRevokeRole(context.Context, string, string) (*clientv3.AuthUserRevokeRoleResponse, error) {
	return nil, unsupported("UserRevokeRole")
}

func (absent) RoleAdd(context.Context, string) (*clientv3.AuthRoleAddResponse, error) {
	return nil, unsupported("RoleAdd")
}

func (absent) RoleGrantPermission(context.Context, string, string, string, clientv3.PermissionType) (*clientv3.AuthRoleGrantPermissionResponse, error) {
	return nil, unsupported("RoleGrantPermission")
}

func (absent) RoleGet(context.Context, string) (*clientv3.AuthRoleGetResponse, error) {
	return nil, unsupported("RoleGet")
}

func (absent) RoleList(context.Context) (*clientv3.AuthRoleListResponse, error) {
	return nil, unsupported("RoleList")
}

func (absent) RoleRevokePermission(context.Context, string, string, string) (*clientv3.AuthRoleRevokePermissionResponse, error) {
	return nil, unsupported("RoleRevokePermission")
}

func (absent) RoleDelete(context.Context, string) (*clientv3.AuthRoleDeleteResponse, error) {
	return nil, unsupported("RoleDelete")
}

func (absent) MemberList(context.Context, ...clientv3.OpOption) (*clientv3.MemberListResponse, error) {
	return nil, unsupported("MemberList")
}

func (absent) MemberAdd(context.Context, []string) (*clientv3.MemberAddResponse, error) {
	return nil, unsupported("MemberAdd")
}

func (absent) MemberAddAsLearner(context.Context, []string) (*clientv3.MemberAddResponse, error) {
	return nil, unsupported("MemberAddAsLearner")
}

func (absent) MemberRemove(context.Context, uint64) (*clientv3.MemberRemoveResponse, error) {
	return nil, unsupported("MemberRemove")
}

func (absent) MemberUpdate(context.Context, uint64, []string) (*clientv3.MemberUpdateResponse, error) {
	return nil, unsupported("MemberUpdate")
}

func (absent) MemberPromote(context.Context, uint64) (*clientv3.MemberPromoteResponse, error) {
	return nil, unsupported("MemberPromote")
}

func (absent) AlarmList(context.Context) (*clientv3.AlarmResponse, error) {
	return nil, unsupported("AlarmList")
}

func (absent) AlarmDisarm(context.Context, *clientv3.AlarmMember) (*clientv3.AlarmResponse, error) {
	return nil, unsupported("AlarmDisarm")
}

func (absent) Defragment(context.Context, string) (*clientv3.DefragmentResponse, error) {
	return nil, unsupported("Defragment")
}

func (absent) Status(context.Context, string) (*clientv3.StatusResponse, error) {
	return nil, unsupported("Status")
}

func (absent) HashKV(context.Context, string, int64) (*clientv3.HashKVResponse, error) {
	return nil, unsupported("HashKV")
}

func (absent) SnapshotWithVersion(context.Context) (*clientv3.SnapshotResponse, error) {
	return nil, unsupported("SnapshotWithVersion")
}

func (absent) Snapshot(context.Context) (io.ReadCloser, error) { return nil, unsupported("Snapshot") }

func (absent) MoveLeader(context.Context, uint64) (*clientv3.MoveLeaderResponse, error) {
	return nil, unsupported("MoveLeader")
}

func (absent) Downgrade(context.Context, clientv3.DowngradeAction, string) (*clientv3.DowngradeResponse, error) {
	return nil, unsupported("Downgrade")
}
