using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Returns;

namespace FleetMdm.Grains.Devices;

// One sentence decides all: a certificate, and what descends from it by renewal, speaks for the enrolment that first used it, and displacing a
// living enrolment needs more than an invitation.
//
// Authenticate, in this order:
//
//   1. id            an EnrollmentID is never the UDID of another iPad; no new id begins or ends with a dot
//   2. time          an expired certificate begins nothing
//   3. whose         its own pin, or that of what it renews, names the only id that it may speak for; a dropped pin speaks for nobody
//   4. removed       what belonged to a removed iPad does not bring it back
//   5. proof         a certificate that an iPad got because it proved who it is serves that iPad alone
//   6. invitation    withdrawn, or for another iPad; a further CA enrols only in its migration window
//   7. living        the newest pin begins anew, its live successor goes on; any other certificate needs a reason (below), else it is a claim.
//                    A message of the newest pin that was taken before changes nothing of an enrolled iPad (ReplayPart)
//   8. ended         checked out, erased, never seen: enrols. A message that was taken before does not
//
// Reasons to displace: the iPad was handed EraseDevice and has been silent since; the invitation names this iPad; it proved by its
// device certificate that it is this iPad; a person allowed it (a grant, an answered claim, an invitation made for it); the district allows it always.

/// <summary>What the part decides by. All of it is known before; nothing is asked for here.</summary>
/// <param name="Id">The enrolment's id.</param>
/// <param name="Row">As it stands; null: never seen.</param>
/// <param name="Pins">Those that speak, newest first.</param>
/// <param name="LastSeen">The iPad's last message that was taken.</param>
internal sealed record EnrolmentState(string Id, DeviceRow? Row, IReadOnlyList<Pin> Pins, DateTimeOffset? LastSeen)
{
    public bool IsAlive => Row?.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled;
}

/// <param name="Message">What came.</param>
/// <param name="Certificate">Who proved it.</param>
/// <param name="Standing">What is known of the certificate.</param>
/// <param name="Claims">The claims on this id, if they were read.</param>
/// <param name="Policy">What the district has decided.</param>
/// <param name="WriteId">For the change.</param>
/// <param name="Placeholder">What was known of the iPad by its serial number; null: nothing.</param>
/// <param name="Away">It was told to erase itself and to return; null: it was not.</param>
internal sealed record AuthenticateInput(
    AuthenticateMessage Message, PresentedCertificate Certificate, CertificateStanding Standing, IReadOnlyList<Claim> Claims,
    ReenrolmentPolicy Policy, Guid WriteId, Placeholder? Placeholder = null, AwayIPad? Away = null);

/// <param name="Refusal">None: accepted.</param>
/// <param name="Change">What is to be written when it is accepted; null: it is as it was.</param>
/// <param name="Displaced">Why a living or removed enrolment gave way; null: none did.</param>
/// <param name="NameToSet">The name that the iPad is to be given; null: it keeps its own.</param>
/// <param name="SerialNumberBefore">What the iPad said before, when it says another serial number now.</param>
internal sealed record AuthenticateDecision(
    DeviceRefusal Refusal, EnrolmentChange? Change = null, bool Renewal = false, string? Displaced = null, string? NameToSet = null,
    string? SerialNumberBefore = null);

/// <summary>The rules of enrolment: pure functions of what is known and what came.</summary>
internal static class EnrolmentPart
{
    public static AuthenticateDecision Authenticate(EnrolmentState state, AuthenticateInput input, DateTimeOffset now)
    {
        var (row, standing) = (state.Row, input.Standing);

        // 1
        // Beside the id without the dot it would look the same in every list. What enrolled before this rule goes on.
        if (row is null && (state.Id.StartsWith('.') || state.Id.EndsWith('.'))) return Refuse(DeviceRefusal.BadMessage);
        if (row is not null && KindOf(input.Message) != row.Kind) return Refuse(DeviceRefusal.OtherKind);

        // 2
        if (input.Certificate.NotAfter < now) return Refuse(DeviceRefusal.CertificateExpired);

        // 3
        var owner = standing.Pinned ?? standing.RenewedPinned;
        if (owner is not null && owner.DeviceId != state.Id) return Refuse(DeviceRefusal.PinnedElsewhere);
        if (owner?.DroppedAt is not null)
            return Refuse(row?.Status == EnrolmentStatus.Removed ? DeviceRefusal.Unrecognized : DeviceRefusal.Superseded);

        // 4
        if (row?.Status == EnrolmentStatus.Removed && owner is not null) return Refuse(DeviceRefusal.Unrecognized);

        // 5
        if (standing.Proven is { } proven && owner is null && !(proven.Is(state.Id, input.Message.SerialNumber) && proven.Is(input.Message.Udid, null)))
            return Refuse(DeviceRefusal.ProvenAnother);

        // 6
        if (standing.Invitation is { } invitation)
        {
            if (invitation.CertificatesWithdrawnAt is not null || (invitation.RevokedAt is not null && owner is null))
                return Refuse(DeviceRefusal.InvitationWithdrawn);
            if (invitation.OnlyFor is not null && owner is null && !invitation.Names(input.Message.SerialNumber, input.Message.Udid, state.Id))
                return Refuse(DeviceRefusal.InvitationForAnother);
        }

        if (input.Certificate.OnlyWherePinned && owner is null) return Refuse(DeviceRefusal.OnlyWherePinned);

        // 7
        if (row is not null && owner is not null && state.IsAlive)
        {
            var newest = state.Pins.Count > 0 ? state.Pins[0].Sha256 : null;
            if (Same(newest, input.Certificate.Sha256))
            {
                // Before TokenUpdate there is nothing to lose, and an iPad that did not get its answer begins once more.
                return row.Status == EnrolmentStatus.Enrolled && ReplayPart.IsReplay(row, ReplayPart.Authenticate, input.Certificate)
                    ? new AuthenticateDecision(DeviceRefusal.None)
                    : Accept(state, input, now, renewal: false, displaced: null);
            }

            if (standing.Pinned is null && Same(newest, standing.Issued?.Renews)) return Accept(state, input, now, renewal: true, displaced: null);
            return Refuse(DeviceRefusal.Superseded);
        }

        if (row is not null && (state.IsAlive || row.Status == EnrolmentStatus.Removed))
        {
            return ReasonToDisplace(state, row, input, now) is { } reason
                ? Accept(state, input, now, renewal: false, reason)
                : Refuse(DeviceRefusal.Claimed);
        }

        // 8
        if (owner is not null && ReplayPart.IsReplay(row, ReplayPart.Authenticate, input.Certificate)) return Refuse(DeviceRefusal.Superseded);
        return Accept(state, input, now, renewal: false, displaced: null);
    }

    /// <summary>Whether claims on this id are worth reading before the decision.</summary>
    public static bool MayClaim(EnrolmentState state, CertificateStanding standing) =>
        standing is { Pinned: null, RenewedPinned: null } && (state.IsAlive || state.Row?.Status == EnrolmentStatus.Removed);

    /// <summary>The newest pin speaks; an older one only while its successor is new, so that a renewal can settle.</summary>
    public static bool Speaks(IReadOnlyList<Pin> pins, PresentedCertificate certificate, DateTimeOffset now, TimeSpan grace)
    {
        for (var i = 0; i < pins.Count; i++)
        {
            if (!Same(pins[i].Sha256, certificate.Sha256)) continue;
            return i == 0 || now - pins[0].PinnedAt < grace;
        }

        return false;
    }

    /// <summary>A certificate that was never used, and renews the newest pin: it may take its place.</summary>
    public static bool Succeeds(IReadOnlyList<Pin> pins, CertificateStanding standing) =>
        standing.Pinned is null && pins.Count > 0 && Same(pins[0].Sha256, standing.Issued?.Renews);

    /// <summary>What TokenUpdate makes of a row.</summary>
    /// <param name="row">As it stands.</param>
    /// <param name="message">What came.</param>
    /// <param name="escrows">The message brings an unlock token that is new.</param>
    public static DeviceRow TokenUpdate(DeviceRow row, TokenUpdateMessage message, bool escrows)
    {
        var changed = row with
        {
            Status = EnrolmentStatus.Enrolled,
            UserShortName = message.UserShortName ?? row.UserShortName,
            UserLongName = message.UserLongName ?? row.UserLongName,
            Topic = message.Topic ?? row.Topic,
            PushToken = Same(row.PushToken, message.Token) ? row.PushToken : message.Token,
            PushMagic = message.PushMagic,
            AwaitingConfiguration = message.AwaitingConfiguration,
            HasUnlockToken = row.HasUnlockToken || escrows,
        };

        // A dead token that comes again is as dead as it was, unless APNs knew it before the iPad sent it.
        return ReferenceEquals(changed.PushToken, row.PushToken) ? changed : changed with { PushTokenDead = null };
    }

    /// <summary>Ends the enrolment; its user channels go with it, and what was queued is told why in the history.</summary>
    public static EnrolmentChange Leave(DeviceRow row, EnrolmentStatus status, CommandEnding ending, DateTimeOffset now, Guid writeId) => new()
    {
        Row = row with
        {
            Version = row.Version + 1,
            Status = status,
            UnenrolledAt = now,
            PushToken = null,
            PushMagic = null,
            PushTokenDead = null,
        },
        WriteId = writeId,
        At = now,
        EndQueue = ending,
        Inventory = status == EnrolmentStatus.Erased ? InventoryEnd.Forgotten : InventoryEnd.LocationForgotten,
        EndUserChannels = row.Id == row.DeviceId,
    };

    private static string? ReasonToDisplace(EnrolmentState state, DeviceRow row, AuthenticateInput input, DateTimeOffset now)
    {
        var invitation = input.Standing.Invitation;
        // Since when the enrolment is as it is: a permission that is older was meant for another one.
        var since = (row.Status == EnrolmentStatus.Removed ? row.UnenrolledAt : row.AuthenticatedAt) ?? DateTimeOffset.MinValue;

        if (state.IsAlive && row.EraseSentAt is { } erase && !(state.LastSeen > erase)) return "it was told to erase itself, and has been silent since";
        // Whose rights are for other schools, or for nobody's iPad but their own, does not decide about this one.
        if (invitation?.MayTakeOver(row.School) == true)
        {
            if (row.Status == EnrolmentStatus.Removed && invitation.CreatedAt > since) return "it was removed, and invited anew";
            if (invitation.Names(row.SerialNumber, row.Udid, row.Id)) return "the invitation was made for it";
        }

        // A removed iPad stays removed, whoever it is.
        if (state.IsAlive && input.Standing.Proven?.Is(row.Id, row.SerialNumber) == true) return "it proved by a certificate of Apple's that it is this iPad";
        if (row.ReenrolmentUntil >= now && row.ReenrolmentGrantedAt > since) return "an administrator allowed it to enrol anew";
        // Whoever has claimed the id since does not take away what another one was allowed.
        if (input.Claims.Any(claim => claim.Decision == ClaimDecision.Allowed && claim.AllowedUntil >= now && claim.DecidedAt > since && Answers(claim, input)))
            return "an administrator allowed this claim";
        if (invitation?.AllowReenrolment == true) return "the invitation allows it to enrol anew";
        return state.IsAlive && input.Policy == ReenrolmentPolicy.Allow ? "Enrolment:Reenrolment is Allow" : null;
    }

    /// <summary>The certificate that claimed, or a later one of the same iPad by the same invitation: it makes a new key for each profile.</summary>
    private static bool Answers(Claim claim, AuthenticateInput input) =>
        Same(claim.Sha256, input.Certificate.Sha256) ||
        (claim.InvitationId is { } invitation && invitation == input.Standing.Invitation?.Id && claim.SerialNumber == input.Message.SerialNumber);

    private static AuthenticateDecision Accept(EnrolmentState state, AuthenticateInput input, DateTimeOffset now, bool renewal, string? displaced)
    {
        var (message, issued, before) = (input.Message, input.Standing.Issued, state.Row);
        var known = before is null || renewal ? before : InventoryPart.Forget(before);
        var row = (known ?? new DeviceRow { Id = state.Id, DeviceId = state.Id, Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Authenticated }) with
        {
            Version = (before?.Version ?? 0) + 1,
            Kind = KindOf(message),
            Udid = message.Udid,
            SerialNumber = message.SerialNumber ?? before?.SerialNumber,
            ProductName = message.ProductName ?? before?.ProductName,
            Model = message.Model ?? before?.Model,
            ModelName = message.ModelName ?? before?.ModelName,
            DeviceName = message.DeviceName ?? before?.DeviceName,
            OsVersion = message.OsVersion ?? before?.OsVersion,
            BuildVersion = message.BuildVersion ?? before?.BuildVersion,
            Imei = message.Imei ?? before?.Imei,
            Meid = message.Meid ?? before?.Meid,
            School = issued?.School ?? before?.School,
            InvitationId = issued?.InvitationId ?? before?.InvitationId,
            Topic = message.Topic ?? before?.Topic,
            AccessRights = input.Standing.Invitation is { } invitation ? invitation.AccessRights : known?.AccessRights,
        };
        // The iPad makes it in its first set-up alone, and keeps it with its apps. Whoever has not proved to be this iPad gets nothing of it.
        var keepsToken = !renewal && input.Away?.KeepsApps == true && before?.HasBootstrapToken == true && input.Standing.Proven?.Is(state.Id, message.SerialNumber) == true;
        if (!renewal)
        {
            row = NamingPart.Enrol(row, input.Placeholder, now, input.Away?.DeviceName);
            // What was escrowed belonged to the enrolment that ends here.
            row = row with
            {
                Status = EnrolmentStatus.Authenticated,
                AuthenticatedAt = now,
                EnrolledAt = null,
                UnenrolledAt = null,
                EraseSentAt = null,
                PushToken = null,
                PushMagic = null,
                PushTokenDead = null,
                HasUnlockToken = false,
                HasBootstrapToken = keepsToken,
                AwaitingConfiguration = false,
            };
        }

        // What the certificates of an enrolment that is over have signed speaks no more.
        if (!renewal && input.Standing.Pinned is null) row = row with { TakenMessages = null };
        row = ReplayPart.Remember(row, ReplayPart.Authenticate, input.Certificate);
        var pinnedAt = PinnedAt(state.Pins, now);
        return new AuthenticateDecision(DeviceRefusal.None, new EnrolmentChange
        {
            Row = row,
            WriteId = input.WriteId,
            At = now,
            Pin = new Pin(input.Certificate.Sha256, input.Certificate.NotAfter, pinnedAt),
            // All others, also one that was pinned in this very millisecond: the old enrolment speaks no more.
            DropPinsBefore = renewal ? null : pinnedAt.AddMilliseconds(1),
            UnlockToken = renewal ? null : EscrowChange.Forget,
            BootstrapToken = renewal || keepsToken ? null : EscrowChange.Forget,
            EndQueue = renewal ? null : CommandEnding.Reenrolled,
            Inventory = renewal ? InventoryEnd.Kept : InventoryEnd.Forgotten,
            EndUserChannels = !renewal,
            Place = PlaceOf(before, input),
        }, renewal, displaced, renewal ? null : NamingPart.NameToSet(input.Placeholder, input.Away?.DeviceName),
            before?.SerialNumber is { } old && old != row.SerialNumber ? old : null);
    }

    /// <summary>A certificate has taken a place of its invitation when it was issued. An iPad that comes by the same invitation again had one
    /// already. A certificate whose claim was allowed had got its place back, for another try of the iPad.</summary>
    private static InvitationPlace? PlaceOf(DeviceRow? before, AuthenticateInput input)
    {
        if (input.Standing is not { Pinned: null, RenewedPinned: null, Invitation.Id: { } invitation }) return null;
        var delta = before?.InvitationId == invitation ? -1 : 0;
        if (input.Claims.Any(claim => claim.Decision == ClaimDecision.Allowed && Same(claim.Sha256, input.Certificate.Sha256))) delta++;
        return delta == 0 ? null : new InvitationPlace(invitation, delta);
    }

    /// <summary>The time of a new pin: later than those of all others, even when the clock was put back since. Their order says which of
    /// them hold.</summary>
    public static DateTimeOffset PinnedAt(IReadOnlyList<Pin> pins, DateTimeOffset now) =>
        pins.Count > 0 && pins[0].PinnedAt >= now ? pins[0].PinnedAt.AddMilliseconds(1) : now;

    private static EnrolmentKind KindOf(AuthenticateMessage message) =>
        message.Udid is null && message.EnrollmentId is not null ? EnrolmentKind.UserEnrollment : EnrolmentKind.Device;

    private static AuthenticateDecision Refuse(DeviceRefusal refusal) => new(refusal);

    private static bool Same(byte[]? left, byte[]? right) =>
        left is null ? right is null : right is not null && left.AsSpan().SequenceEqual(right);
}
