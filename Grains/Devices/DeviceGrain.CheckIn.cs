using System.Security.Cryptography;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Grains.Devices;

internal sealed partial class DeviceGrain
{
    /// <summary>Of this process, by the device's id: the few who share one wait for each other without need.</summary>
    private static readonly SemaphoreSlim[] OpeningUsers = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];

    public async ValueTask<DeviceReply> Authenticate(AuthenticateMessage message, PresentedCertificate certificate)
    {
        if (IsUserChannel) return DeviceReply.Refused(DeviceRefusal.BadMessage);
        // Both are read from the store as a rule: one wait for both.
        var fresh = Fresh();
        var finding = store.FindCertificate(certificate.Sha256);
        await Task.WhenAll(fresh.AsTask(), finding);
        var standing = await finding;

        IReadOnlyList<Claim> claims = [];
        if (EnrolmentPart.MayClaim(State, standing))
        {
            // What a person has allowed is written beside the row, not through this grain.
            await Read();
            claims = await reenrolments.FindClaims(Id);
        }

        var placeholder = message.SerialNumber is { Length: > 0 } serial ? await placeholders.Find(serial) : null;
        var now = Now();
        var decision = EnrolmentPart.Authenticate(
            State, new AuthenticateInput(message, certificate, standing, claims, enrolment.Value.Reenrolment, Guid.NewGuid(), placeholder, await FindAway()), now);
        if (decision.Change is not { } change)
        {
            if (decision.Refusal == DeviceRefusal.Claimed) await KeepClaim(message, certificate, standing, claims, now);
            if (decision.Refusal == DeviceRefusal.None) LogTakenBefore(Id, ReplayPart.Authenticate);
            return DeviceReply.Refused(decision.Refusal);
        }

        var ended = _queue.Count;
        var records = new List<AuditRecord>();
        if (decision.Displaced is { } why) records.Add(Record(now, AuditVerbs.EnrolmentDisplace, message.Address, detail: why));
        if (decision.SerialNumberBefore is { } before)
            records.Add(Record(now, AuditVerbs.EnrolmentSerialNumber, message.Address, detail: $"{before} became {change.Row.SerialNumber}"));
        if (records.Count > 0) change = change with { Audit = records };
        if (await Commit(change) == CommitOutcome.PinnedElsewhere) return DeviceReply.Refused(DeviceRefusal.PinnedElsewhere);

        Saw(certificate);
        if (decision.NameToSet is { } name) await QueueName(name);
        // Nobody signs in for a renewal: whoever did waits for the set-up.
        if (placeholder is { PersonId: { } person } && !(decision.Renewal && placeholder.PersonBy == PersonBy.SignIn)) await HandOut(placeholder, person, now);
        if (!decision.Renewal && standing.Invitation is { PersonId: { } own } invited) await HandOutInvited(own, invited.CreatedAt, now);
        if (decision.SerialNumberBefore is { } old) LogSerialNumberChanged(Id, old, change.Row.SerialNumber);
        if (decision.Displaced is { } reason) LogDisplaced(Id, change.Row.SerialNumber, reason, ended);
        else if (!decision.Renewal) LogAuthenticated(Id, change.Row.ProductName, change.Row.SerialNumber, ended);
        if (decision.Renewal)
        {
            LogRenewed(Id, certificate.NotAfter);
            await RenewalDone();
        }

        return DeviceReply.Empty;
    }

    /// <summary>The iPad is given the name that it has in the list. It waits in the queue until the iPad is enrolled. When this fails, the iPad's
    /// message does too: it comes again, and what is queued by then ends with the enrolment.</summary>
    private async Task QueueName(string name) => await Enqueue(new CommandOrder
    {
        CommandUuid = Guid.NewGuid().ToString("D").ToUpperInvariant(),
        RequestType = NamingPart.Settings,
        Command = NamingPart.NameCommand(name),
        Push = false,
    });

    /// <summary>The person whom an import has named, or who has signed in on it in Setup Assistant, has it from now on. When this fails, the iPad's message does too, and comes again.</summary>
    private Task HandOut(Placeholder placeholder, string person, DateTimeOffset now)
    {
        var (by, detail) = placeholder.PersonBy == PersonBy.SignIn ? ("sign-in", "for good, to who signed in on it") : ("import", "for good, as it was imported");
        return holdings.HandOutWaiting(
            placeholder.SerialNumber, new Holding { Id = Guid.NewGuid().ToString("D"), DeviceId = DeviceId, PersonId = person, GivenAt = now, GivenBy = by },
            Record(now, AuditVerbs.DeviceHandOut, null, detail: detail));
    }

    /// <summary>Who has made the invitation has the iPad in their hands, and so it is theirs. When this fails, the iPad's message does too, and comes again.</summary>
    private Task HandOutInvited(string person, DateTimeOffset since, DateTimeOffset now) => holdings.HandOutInvited(
        new Holding { Id = Guid.NewGuid().ToString("D"), DeviceId = DeviceId, PersonId = person, GivenAt = now, GivenBy = "self-service" }, since,
        Record(now, AuditVerbs.DeviceHandOut, null, detail: "for good, enrolled by the person"));

    /// <summary>Nothing of the enrolment changes: only that somebody else says that it is this iPad is written down.</summary>
    private async Task KeepClaim(
        AuthenticateMessage message, PresentedCertificate certificate, CertificateStanding standing, IReadOnlyList<Claim> before, DateTimeOffset now)
    {
        var again = before.Any(claim => claim.Sha256.AsSpan().SequenceEqual(certificate.Sha256));
        var kept = await reenrolments.Keep(new Claim
        {
            DeviceId = Id,
            ClaimId = Guid.NewGuid(),
            Sha256 = certificate.Sha256,
            InvitationId = standing.Invitation?.Id,
            SerialNumber = message.SerialNumber,
            ProductName = message.ProductName,
            DeviceName = message.DeviceName,
            Address = message.Address,
            FirstAt = now,
            LastAt = now,
        }, Record(now, AuditVerbs.EnrolmentClaim, message.Address, detail: message.SerialNumber));
        metrics.Claims.Add(1);
        // Once for each certificate: whoever repeats the message does not fill the log.
        if (!again && kept) LogClaimed(Id, message.SerialNumber, message.Address, _row?.SerialNumber);
    }

    public async ValueTask<DeviceReply> TokenUpdate(TokenUpdateMessage message, PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal == DeviceRefusal.NotPinned && IsUserChannel && !IsAlive && IsPinned(certificate) &&
            _deviceStatus is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled)
        {
            // The first word of a user on this Shared iPad: user channels have no Authenticate.
            return await OpenUserChannel(message, certificate);
        }

        return refusal != DeviceRefusal.None ? DeviceReply.Refused(refusal) : await TakeTokens(message, certificate);
    }

    private async ValueTask<DeviceReply> OpenUserChannel(TokenUpdateMessage message, PresentedCertificate certificate)
    {
        if (_row is not null) return await TakeTokens(message, certificate);

        // One after the other, or those who come in the same moment would all find the last place free.
        var turn = OpeningUsers[(uint)DeviceId.GetHashCode(StringComparison.Ordinal) % OpeningUsers.Length];
        await turn.WaitAsync();
        try
        {
            var decision = UserChannelPart.Open(await userChannels.Find(DeviceId), message, Now());
            if (decision.Refusal != DeviceRefusal.None) return DeviceReply.Refused(decision.Refusal);
            if (decision.MakeRoom is { } other) await GiveWay(other);
            return await TakeTokens(message, certificate);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Ends the channel of another user, as far as it has not ended, and forgets it.</summary>
    private async Task GiveWay(UserChannel other)
    {
        if ((await store.Load(other.Id)).Row is { Status: EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled } row)
        {
            await store.Commit(EnrolmentPart.Leave(row, EnrolmentStatus.Unenrolled, CommandEnding.CheckedOut, Now(), Guid.NewGuid()));
            await ReloadUserChannel(other.Id);
        }

        if (await userChannels.Drop(other.Id)) LogUserGaveWay(DeviceId, other.Id, Id, UserChannelPart.Most);
    }

    private async ValueTask<DeviceReply> TakeTokens(TokenUpdateMessage message, PresentedCertificate certificate)
    {
        var now = Now();
        var first = _row?.Status != EnrolmentStatus.Enrolled;
        var row = _row ?? new DeviceRow { Id = Id, DeviceId = DeviceId, Kind = EnrolmentKind.SharedUser, Status = EnrolmentStatus.Enrolled };
        var unlockToken = message.UnlockToken is { } unlock && !await HoldsUnlockToken(unlock)
            ? new EscrowChange(sealer.Seal(Purpose("unlock-token"), unlock))
            : null;
        var changed = EnrolmentPart.TokenUpdate(row, message, unlockToken is not null);
        var news = changed != row || unlockToken is not null;
        if (news && !first && row.PushTokenDead is null && ReplayPart.IsReplay(_row, ReplayPart.TokenUpdate, certificate))
        {
            LogTakenBefore(Id, ReplayPart.TokenUpdate);
            return DeviceReply.Empty;
        }

        // Before it is enrolled: a message that fails comes again, and an iPad that is on the list of those that are missing is not there for nothing.
        if (first && !IsUserChannel) await returns.CameBack(Id, row.InvitationId, now);
        if (news || _row is null || !ReplayPart.Knows(row, ReplayPart.TokenUpdate, certificate))
        {
            changed = ReplayPart.Remember(changed, ReplayPart.TokenUpdate, certificate) with { TokenUpdatedAt = now, EnrolledAt = first ? now : row.EnrolledAt, UnenrolledAt = null };
            var settled = _pins.Count > 1 && _pins[0].Sha256.AsSpan().SequenceEqual(certificate.Sha256) && now - _pins[0].PinnedAt >= ReplacedGrace;
            await Commit(new EnrolmentChange
            {
                Row = NextVersion(changed),
                WriteId = Guid.NewGuid(),
                At = now,
                UnlockToken = unlockToken,
                DropPinsBefore = settled ? _pins[0].PinnedAt : null,
            });
        }

        Saw(certificate);
        if (IsAwaiting) await Held();
        // Queued, so that it is pushed for again when this push is lost: somebody stands before the iPad and waits.
        await QueueLetIn();
        await UserLoggedIn();
        if (first)
        {
            LogEnrolled(Id);
            if (_queue.Count > 0 || IsAwaiting) RequestPush();
            ExamForNewcomer();
            await PlanForNewcomer();
        }

        return DeviceReply.Empty;
    }

    public async ValueTask<DeviceReply> CheckOut(PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        if (ReplayPart.IsReplay(_row, ReplayPart.CheckOut, certificate))
        {
            LogTakenBefore(Id, ReplayPart.CheckOut);
            return DeviceReply.Empty;
        }

        await Commit(EnrolmentPart.Leave(
            ReplayPart.Remember(_row!, ReplayPart.CheckOut, certificate), EnrolmentStatus.Unenrolled, CommandEnding.CheckedOut, Now(), Guid.NewGuid()));
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

        var token = bootstrapToken is { Length: > 0 } given ? new EscrowChange(sealer.Seal(Purpose("bootstrap-token"), given)) : EscrowChange.Forget;
        if (token.Sealed is not null && _row!.HasBootstrapToken && ReplayPart.IsReplay(_row, ReplayPart.SetBootstrapToken, certificate))
        {
            LogTakenBefore(Id, ReplayPart.SetBootstrapToken);
            return DeviceReply.Empty;
        }

        if (token.Sealed is not null || _row!.HasBootstrapToken)
        {
            await Commit(new EnrolmentChange
            {
                Row = NextVersion(ReplayPart.Remember(_row!, ReplayPart.SetBootstrapToken, certificate)) with { HasBootstrapToken = token.Sealed is not null },
                WriteId = Guid.NewGuid(),
                At = Now(),
                BootstrapToken = token,
            });
        }

        return DeviceReply.Empty;
    }

    public async ValueTask<DeviceReply> GetBootstrapToken(PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);
        if (!_row!.HasBootstrapToken || await escrow.Find(Id, EscrowedToken.Bootstrap) is not { } token) return DeviceReply.Empty;
        await audit.Write(Record(Now(), AuditVerbs.EscrowUse, address: null, detail: "BootstrapToken"));

        var answer = new PlistDictionary { ["BootstrapToken"] = OpenEscrow("bootstrap-token", token) };
        return DeviceReply.Plist(PlistWriter.ToBytes(answer));
    }

    /// <summary>UserAuthenticate comes before a user channel exists: the device's pins decide.</summary>
    private async ValueTask<DeviceRefusal> AdmitUserOfDevice(PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        return refusal == DeviceRefusal.NotPinned && IsUserChannel && IsPinned(certificate) ? DeviceRefusal.None : refusal;
    }

    /// <summary>Ends the enrolment; its user channels go with it, and what was queued is told why in the history.</summary>
    private Task Leave(EnrolmentStatus status, CommandEnding ending, AuditRecord? audit = null) =>
        Commit(EnrolmentPart.Leave(_row!, status, ending, Now(), Guid.NewGuid()) with { Audit = audit is null ? [] : [audit] });

    private async ValueTask<bool> HoldsUnlockToken(byte[] unlockToken) =>
        _row?.HasUnlockToken == true &&
        await escrow.Find(Id, EscrowedToken.Unlock) is { } held &&
        OpenEscrow("unlock-token", held) is { } opened &&
        CryptographicOperations.FixedTimeEquals(opened, unlockToken);

    /// <summary>What the iPad itself did, or what was done at its word.</summary>
    private AuditRecord Record(DateTimeOffset at, string verb, string? address, string? subject = null, string? detail = null) =>
        AuditRecord.New(at, new AuditActor(ActorKind.Device, Id, _row?.SerialNumber, address), verb) with
        {
            TargetKind = AuditTargets.Device,
            TargetId = Id,
            Subject = subject,
            Detail = detail,
        };

    /// <summary>Sealed for the id of the device. One that was spelled otherwise by an earlier version is sealed for that spelling, which is the
    /// UDID as the iPad sends it.</summary>
    private byte[] OpenEscrow(string secret, byte[] sealedToken)
    {
        try
        {
            return sealer.Open(Purpose(secret), sealedToken);
        }
        catch (CryptographicException) when (_row?.Udid is { } udid && udid != DeviceId)
        {
            return sealer.Open($"{secret}/{udid}", sealedToken);
        }
    }
}
