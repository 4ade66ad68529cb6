/**
 * The operations of EC2 (API version 2016-11-15) that VEP uses, with what goes in and what comes out in the words of its
 * service model. The list is also the one that an account must be allowed: `docs/adapters/ec2.md` and `vep sites check`
 * are made of it.
 */

import type * as Sdk from '@aws-sdk/client-ec2';

interface Signatures {
  AllocateAddress: [Sdk.AllocateAddressCommandInput, Sdk.AllocateAddressCommandOutput];
  AssociateAddress: [Sdk.AssociateAddressCommandInput, Sdk.AssociateAddressCommandOutput];
  AttachNetworkInterface: [Sdk.AttachNetworkInterfaceCommandInput, Sdk.AttachNetworkInterfaceCommandOutput];
  AttachVolume: [Sdk.AttachVolumeCommandInput, Sdk.AttachVolumeCommandOutput];
  AuthorizeSecurityGroupEgress: [
    Sdk.AuthorizeSecurityGroupEgressCommandInput,
    Sdk.AuthorizeSecurityGroupEgressCommandOutput,
  ];
  AuthorizeSecurityGroupIngress: [
    Sdk.AuthorizeSecurityGroupIngressCommandInput,
    Sdk.AuthorizeSecurityGroupIngressCommandOutput,
  ];
  CreateImage: [Sdk.CreateImageCommandInput, Sdk.CreateImageCommandOutput];
  CreateNetworkInterface: [Sdk.CreateNetworkInterfaceCommandInput, Sdk.CreateNetworkInterfaceCommandOutput];
  CreatePlacementGroup: [Sdk.CreatePlacementGroupCommandInput, Sdk.CreatePlacementGroupCommandOutput];
  CreateSecurityGroup: [Sdk.CreateSecurityGroupCommandInput, Sdk.CreateSecurityGroupCommandOutput];
  CreateSnapshot: [Sdk.CreateSnapshotCommandInput, Sdk.CreateSnapshotCommandOutput];
  CreateSubnet: [Sdk.CreateSubnetCommandInput, Sdk.CreateSubnetCommandOutput];
  CreateTags: [Sdk.CreateTagsCommandInput, Sdk.CreateTagsCommandOutput];
  CreateVolume: [Sdk.CreateVolumeCommandInput, Sdk.CreateVolumeCommandOutput];
  DeleteKeyPair: [Sdk.DeleteKeyPairCommandInput, Sdk.DeleteKeyPairCommandOutput];
  DeleteNetworkInterface: [Sdk.DeleteNetworkInterfaceCommandInput, Sdk.DeleteNetworkInterfaceCommandOutput];
  DeletePlacementGroup: [Sdk.DeletePlacementGroupCommandInput, Sdk.DeletePlacementGroupCommandOutput];
  DeleteSecurityGroup: [Sdk.DeleteSecurityGroupCommandInput, Sdk.DeleteSecurityGroupCommandOutput];
  DeleteSnapshot: [Sdk.DeleteSnapshotCommandInput, Sdk.DeleteSnapshotCommandOutput];
  DeleteSubnet: [Sdk.DeleteSubnetCommandInput, Sdk.DeleteSubnetCommandOutput];
  DeleteTags: [Sdk.DeleteTagsCommandInput, Sdk.DeleteTagsCommandOutput];
  DeleteVolume: [Sdk.DeleteVolumeCommandInput, Sdk.DeleteVolumeCommandOutput];
  DeregisterImage: [Sdk.DeregisterImageCommandInput, Sdk.DeregisterImageCommandOutput];
  DescribeAddresses: [Sdk.DescribeAddressesCommandInput, Sdk.DescribeAddressesCommandOutput];
  DescribeAvailabilityZones: [Sdk.DescribeAvailabilityZonesCommandInput, Sdk.DescribeAvailabilityZonesCommandOutput];
  DescribeImages: [Sdk.DescribeImagesCommandInput, Sdk.DescribeImagesCommandOutput];
  DescribeImportSnapshotTasks: [
    Sdk.DescribeImportSnapshotTasksCommandInput,
    Sdk.DescribeImportSnapshotTasksCommandOutput,
  ];
  DescribeInstanceTypes: [Sdk.DescribeInstanceTypesCommandInput, Sdk.DescribeInstanceTypesCommandOutput];
  DescribeInstances: [Sdk.DescribeInstancesCommandInput, Sdk.DescribeInstancesCommandOutput];
  DescribeNetworkInterfaces: [Sdk.DescribeNetworkInterfacesCommandInput, Sdk.DescribeNetworkInterfacesCommandOutput];
  DescribePlacementGroups: [Sdk.DescribePlacementGroupsCommandInput, Sdk.DescribePlacementGroupsCommandOutput];
  DescribeSecurityGroups: [Sdk.DescribeSecurityGroupsCommandInput, Sdk.DescribeSecurityGroupsCommandOutput];
  DescribeSnapshots: [Sdk.DescribeSnapshotsCommandInput, Sdk.DescribeSnapshotsCommandOutput];
  DescribeSubnets: [Sdk.DescribeSubnetsCommandInput, Sdk.DescribeSubnetsCommandOutput];
  DescribeVolumes: [Sdk.DescribeVolumesCommandInput, Sdk.DescribeVolumesCommandOutput];
  DescribeVpcs: [Sdk.DescribeVpcsCommandInput, Sdk.DescribeVpcsCommandOutput];
  DetachNetworkInterface: [Sdk.DetachNetworkInterfaceCommandInput, Sdk.DetachNetworkInterfaceCommandOutput];
  DetachVolume: [Sdk.DetachVolumeCommandInput, Sdk.DetachVolumeCommandOutput];
  DisassociateAddress: [Sdk.DisassociateAddressCommandInput, Sdk.DisassociateAddressCommandOutput];
  ImportKeyPair: [Sdk.ImportKeyPairCommandInput, Sdk.ImportKeyPairCommandOutput];
  ImportSnapshot: [Sdk.ImportSnapshotCommandInput, Sdk.ImportSnapshotCommandOutput];
  ModifyInstanceAttribute: [Sdk.ModifyInstanceAttributeCommandInput, Sdk.ModifyInstanceAttributeCommandOutput];
  ModifyNetworkInterfaceAttribute: [
    Sdk.ModifyNetworkInterfaceAttributeCommandInput,
    Sdk.ModifyNetworkInterfaceAttributeCommandOutput,
  ];
  ModifyVolume: [Sdk.ModifyVolumeCommandInput, Sdk.ModifyVolumeCommandOutput];
  RebootInstances: [Sdk.RebootInstancesCommandInput, Sdk.RebootInstancesCommandOutput];
  RegisterImage: [Sdk.RegisterImageCommandInput, Sdk.RegisterImageCommandOutput];
  ReleaseAddress: [Sdk.ReleaseAddressCommandInput, Sdk.ReleaseAddressCommandOutput];
  RevokeSecurityGroupEgress: [Sdk.RevokeSecurityGroupEgressCommandInput, Sdk.RevokeSecurityGroupEgressCommandOutput];
  RevokeSecurityGroupIngress: [Sdk.RevokeSecurityGroupIngressCommandInput, Sdk.RevokeSecurityGroupIngressCommandOutput];
  RunInstances: [Sdk.RunInstancesCommandInput, Sdk.RunInstancesCommandOutput];
  StartInstances: [Sdk.StartInstancesCommandInput, Sdk.StartInstancesCommandOutput];
  StopInstances: [Sdk.StopInstancesCommandInput, Sdk.StopInstancesCommandOutput];
  TerminateInstances: [Sdk.TerminateInstancesCommandInput, Sdk.TerminateInstancesCommandOutput];
}

export type Operation = keyof Signatures;
export type In<O extends Operation> = Signatures[O][0];
export type Out<O extends Operation> = Signatures[O][1];

/** All of them, and for `DryRun` the least that each can be asked with. */
export const OPERATIONS: Readonly<Record<Operation, object>> = {
  AllocateAddress: { Domain: 'vpc' },
  AssociateAddress: { AllocationId: 'eipalloc-00000000', NetworkInterfaceId: 'eni-00000000' },
  AttachNetworkInterface: { NetworkInterfaceId: 'eni-00000000', InstanceId: 'i-00000000', DeviceIndex: 1 },
  AttachVolume: { VolumeId: 'vol-00000000', InstanceId: 'i-00000000', Device: '/dev/sdf' },
  AuthorizeSecurityGroupEgress: { GroupId: 'sg-00000000' },
  AuthorizeSecurityGroupIngress: { GroupId: 'sg-00000000' },
  CreateImage: { InstanceId: 'i-00000000', Name: 'vep-dry-run' },
  CreateNetworkInterface: { SubnetId: 'subnet-00000000' },
  CreatePlacementGroup: { GroupName: 'vep-dry-run', Strategy: 'spread' },
  CreateSecurityGroup: { GroupName: 'vep-dry-run', Description: 'dry run', VpcId: 'vpc-00000000' },
  CreateSnapshot: { VolumeId: 'vol-00000000' },
  CreateSubnet: { VpcId: 'vpc-00000000', CidrBlock: '10.0.0.0/28' },
  CreateTags: { Resources: ['i-00000000'], Tags: [{ Key: 'vep:dry-run', Value: '' }] },
  CreateVolume: { AvailabilityZone: 'none', Size: 1 },
  DeleteKeyPair: { KeyName: 'vep-dry-run' },
  DeleteNetworkInterface: { NetworkInterfaceId: 'eni-00000000' },
  DeletePlacementGroup: { GroupName: 'vep-dry-run' },
  DeleteSecurityGroup: { GroupId: 'sg-00000000' },
  DeleteSnapshot: { SnapshotId: 'snap-00000000' },
  DeleteSubnet: { SubnetId: 'subnet-00000000' },
  DeleteTags: { Resources: ['vol-00000000'], Tags: [{ Key: 'vep:dry-run' }] },
  DeleteVolume: { VolumeId: 'vol-00000000' },
  DeregisterImage: { ImageId: 'ami-00000000' },
  DescribeAddresses: {},
  DescribeAvailabilityZones: {},
  DescribeImages: { Owners: ['self'] },
  DescribeImportSnapshotTasks: {},
  DescribeInstanceTypes: {},
  DescribeInstances: {},
  DescribeNetworkInterfaces: {},
  DescribePlacementGroups: {},
  DescribeSecurityGroups: {},
  DescribeSnapshots: { OwnerIds: ['self'] },
  DescribeSubnets: {},
  DescribeVolumes: {},
  DescribeVpcs: {},
  DetachNetworkInterface: { AttachmentId: 'eni-attach-00000000' },
  DetachVolume: { VolumeId: 'vol-00000000' },
  DisassociateAddress: { AssociationId: 'eipassoc-00000000' },
  ImportKeyPair: { KeyName: 'vep-dry-run', PublicKeyMaterial: new Uint8Array([1]) },
  ImportSnapshot: {},
  ModifyInstanceAttribute: { InstanceId: 'i-00000000', InstanceType: { Value: 't3.micro' } },
  ModifyNetworkInterfaceAttribute: { NetworkInterfaceId: 'eni-00000000', Description: { Value: '' } },
  ModifyVolume: { VolumeId: 'vol-00000000', Size: 1 },
  RebootInstances: { InstanceIds: ['i-00000000'] },
  RegisterImage: {
    Name: 'vep-dry-run',
    RootDeviceName: '/dev/sda1',
    BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { SnapshotId: 'snap-00000000' } }],
  },
  ReleaseAddress: { AllocationId: 'eipalloc-00000000' },
  RevokeSecurityGroupEgress: { GroupId: 'sg-00000000' },
  RevokeSecurityGroupIngress: { GroupId: 'sg-00000000' },
  RunInstances: { ImageId: 'ami-00000000', MinCount: 1, MaxCount: 1 },
  StartInstances: { InstanceIds: ['i-00000000'] },
  StopInstances: { InstanceIds: ['i-00000000'] },
  TerminateInstances: { InstanceIds: ['i-00000000'] },
};
