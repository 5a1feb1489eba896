using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

internal sealed partial class DeviceGrain
{
    /// <summary>What the token stands for never changes while the set of declarations is empty.</summary>
    private const string EmptySetToken = "empty";

    private static readonly string[] Nothing = [];

    public async ValueTask<DeviceReply> Authenticate(AuthenticateMessage message, PresentedCertificate certificate)
    {
        if (IsUserChannel) return DeviceReply.Refused(DeviceRefusal.BadMessage);
        // Both are read from the store as a rule: one wait for both.
        var fresh = Fresh();
        var finding = store.FindIssued(certificate.Sha256);
        await Task.WhenAll(fresh.AsTask(), finding);

        var now = Now();
        var pinnedHere = _pins.Any(pin => pin.Sha256.AsSpan().SequenceEqual(certificate.Sha256));

        // A removed iPad stays removed until it is invited anew, which shows in a certificate that it did not have before.
        if (_row?.Status == EnrolmentStatus.Removed && pinnedHere) return DeviceReply.Refused(DeviceRefusal.Unrecognized);

        var issued = await finding;
        var renewal = _row?.Status == EnrolmentStatus.Enrolled && issued?.Renews is { } old &&
                      _pins.Any(pin => pin.Sha256.AsSpan().SequenceEqual(old));

        var row = (_row ?? new DeviceRow { Id = Id, DeviceId = Id, Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Authenticated }) with
        {
            Version = (_row?.Version ?? 0) + 1,
            Kind = message.Udid is null && message.EnrollmentId is not null ? EnrolmentKind.UserEnrollment : EnrolmentKind.Device,
            Udid = message.Udid,
            SerialNumber = message.SerialNumber ?? _row?.SerialNumber,
            ProductName = message.ProductName ?? _row?.ProductName,
            Model = message.Model ?? _row?.Model,
            ModelName = message.ModelName ?? _row?.ModelName,
            DeviceName = message.DeviceName ?? _row?.DeviceName,
            OsVersion = message.OsVersion ?? _row?.OsVersion,
            BuildVersion = message.BuildVersion ?? _row?.BuildVersion,
            Imei = message.Imei ?? _row?.Imei,
            Meid = message.Meid ?? _row?.Meid,
            School = issued?.School ?? _row?.School,
            InvitationId = issued?.InvitationId ?? _row?.InvitationId,
            Topic = message.Topic ?? _row?.Topic,
        };
        if (!renewal)
        {
            row = row with
            {
                Status = EnrolmentStatus.Authenticated,
                AuthenticatedAt = now,
                EnrolledAt = null,
                UnenrolledAt = null,
                PushToken = null,
                PushMagic = null,
                PushTokenDead = null,
                BootstrapToken = null,
                AwaitingConfiguration = false,
            };
        }

        var ended = _queue.Count;
        var pinnedAt = PinnedNow();
        var outcome = await Commit(new EnrolmentChange
        {
            Row = row,
            WriteId = Guid.NewGuid(),
            At = now,
            Pin = new Pin(certificate.Sha256, certificate.NotAfter, pinnedAt),
            // All others, also one that was pinned in this very millisecond: the old enrolment speaks no more.
            DropPinsBefore = renewal ? null : pinnedAt.AddMilliseconds(1),
            EndQueue = renewal ? null : CommandEnding.Reenrolled,
            EndUserChannels = !renewal,
        });
        if (outcome == CommitOutcome.PinnedElsewhere) return DeviceReply.Refused(DeviceRefusal.PinnedElsewhere);

        Saw();
        if (!renewal) LogAuthenticated(Id, row.ProductName, row.SerialNumber, ended);
        return DeviceReply.Empty;
    }

    public async ValueTask<DeviceReply> TokenUpdate(TokenUpdateMessage message, PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal == DeviceRefusal.NotPinned && IsUserChannel && !IsAlive && IsPinned(certificate) &&
            _deviceStatus is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled)
        {
            // The first word of a user on this Shared iPad: user channels have no Authenticate.
            refusal = DeviceRefusal.None;
        }

        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        var now = Now();
        var first = _row?.Status != EnrolmentStatus.Enrolled;
        var row = _row ?? new DeviceRow { Id = Id, DeviceId = DeviceId, Kind = EnrolmentKind.SharedUser, Status = EnrolmentStatus.Enrolled };
        var changed = row with
        {
            Status = EnrolmentStatus.Enrolled,
            UserShortName = message.UserShortName ?? row.UserShortName,
            UserLongName = message.UserLongName ?? row.UserLongName,
            Topic = message.Topic ?? row.Topic,
            PushToken = Same(row.PushToken, message.Token) ? row.PushToken : message.Token,
            PushMagic = message.PushMagic,
            AwaitingConfiguration = message.AwaitingConfiguration,
            UnlockToken = message.UnlockToken is { } unlock && !HoldsUnlockToken(unlock)
                ? sealer.Seal(Purpose("unlock-token"), unlock)
                : row.UnlockToken,
        };

        // A dead token that comes again is as dead as it was, unless APNs knew it before the iPad sent it.
        if (!ReferenceEquals(changed.PushToken, row.PushToken)) changed = changed with { PushTokenDead = null };

        if (changed != row || _row is null)
        {
            changed = changed with { TokenUpdatedAt = now, EnrolledAt = first ? now : row.EnrolledAt, UnenrolledAt = null };
            var settled = _pins.Count > 1 && _pins[0].Sha256.AsSpan().SequenceEqual(certificate.Sha256) &&
                          now - _pins[0].PinnedAt >= TimeSpan.FromDays(options.Value.ReplacedCertificateGraceDays);
            await Commit(new EnrolmentChange
            {
                Row = NextVersion(changed),
                WriteId = Guid.NewGuid(),
                At = now,
                DropPinsBefore = settled ? _pins[0].PinnedAt : null,
            });
        }

        Saw();
        if (first)
        {
            LogEnrolled(Id);
            if (_queue.Count > 0) RequestPush();
        }

        return DeviceReply.Empty;
    }

    public async ValueTask<DeviceReply> CheckOut(PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        await Leave(EnrolmentStatus.Unenrolled, CommandEnding.CheckedOut);
        LogCheckedOut(Id);
        return DeviceReply.Empty;
    }

    public async ValueTask<DeviceReply> UserAuthenticate(PresentedCertificate certificate)
    {
        var refusal = await AdmitUserOfDevice(certificate);
        return DeviceReply.Refused(refusal != DeviceRefusal.None ? refusal : DeviceRefusal.WillNotManageUser);
    }

    public async ValueTask<DeviceReply> GetToken(string tokenServiceType, PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        return DeviceReply.Refused(refusal != DeviceRefusal.None ? refusal : DeviceRefusal.UnknownTokenService);
    }

    public async ValueTask<DeviceReply> SetBootstrapToken(byte[]? bootstrapToken, PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        var token = bootstrapToken is { Length: > 0 } given ? sealer.Seal(Purpose("bootstrap-token"), given) : null;
        if (token is not null || _row!.BootstrapToken is not null)
            await Commit(new EnrolmentChange { Row = NextVersion(_row!) with { BootstrapToken = token }, WriteId = Guid.NewGuid(), At = Now() });
        return DeviceReply.Empty;
    }

    public async ValueTask<DeviceReply> GetBootstrapToken(PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);
        if (_row!.BootstrapToken is not { } token) return DeviceReply.Empty;

        var answer = new PlistDictionary { ["BootstrapToken"] = sealer.Open(Purpose("bootstrap-token"), token) };
        return DeviceReply.Plist(PlistWriter.ToBytes(answer));
    }

    public async ValueTask<DeviceReply> DeclarativeManagement(DeclarativeManagementMessage message, PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        return message.Endpoint switch
        {
            "tokens" => DeviceReply.Json(JsonSerializer.SerializeToUtf8Bytes(
                new { SyncTokens = new { Timestamp = EmptySince(), DeclarationsToken = EmptySetToken } })),
            "declaration-items" => DeviceReply.Json(JsonSerializer.SerializeToUtf8Bytes(new
            {
                Declarations = new { Activations = Nothing, Configurations = Nothing, Assets = Nothing, Management = Nothing },
                DeclarationsToken = EmptySetToken,
            })),
            "status" => DeviceReply.Empty,
            _ when message.Endpoint.StartsWith("declaration/", StringComparison.Ordinal) => DeviceReply.Refused(DeviceRefusal.DeclarationNotFound),
            _ => DeviceReply.Refused(DeviceRefusal.BadMessage),
        };
    }

    public async ValueTask<DeviceReply> ReturnToService(PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        // Not set up for any iPad yet: it goes the usual way through Setup Assistant.
        var answer = new PlistDictionary { ["ReturnToService"] = new PlistDictionary { ["Enabled"] = false } };
        return DeviceReply.Plist(PlistWriter.ToBytes(answer));
    }

    private string EmptySince() =>
        (_row!.EnrolledAt ?? _row.AuthenticatedAt ?? _memory.ReadAt).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>UserAuthenticate comes before a user channel exists: the device's pins decide.</summary>
    private async ValueTask<DeviceRefusal> AdmitUserOfDevice(PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        return refusal == DeviceRefusal.NotPinned && IsUserChannel && IsPinned(certificate) ? DeviceRefusal.None : refusal;
    }

    /// <summary>Ends the enrolment; its user channels go with it, and what was queued is told why in the history.</summary>
    private Task Leave(EnrolmentStatus status, CommandEnding ending, AuditRecord? audit = null) => Commit(new EnrolmentChange
    {
        Row = NextVersion(_row!) with { Status = status, UnenrolledAt = Now(), PushToken = null, PushMagic = null, PushTokenDead = null },
        WriteId = Guid.NewGuid(),
        At = Now(),
        EndQueue = ending,
        EndUserChannels = !IsUserChannel,
        Audit = audit is null ? [] : [audit],
    });

    private bool HoldsUnlockToken(byte[] unlockToken) =>
        _row?.UnlockToken is { } held &&
        CryptographicOperations.FixedTimeEquals(sealer.Open(Purpose("unlock-token"), held), unlockToken);

    private static bool Same(byte[]? left, byte[]? right) =>
        left is null ? right is null : right is not null && left.AsSpan().SequenceEqual(right);
}
