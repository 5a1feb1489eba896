using System.Security.Cryptography;
using System.Threading.Channels;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.VirtualFleet.Apns;

namespace FleetMdm.Grains.Tests.Fixture;

/// <summary>An iPad as its grain meets it: the messages, in Apple's order, and the commands that come back.</summary>
/// <param name="forgetful">True: the grain is deactivated after each message, so that everything it knows has to be in the store.</param>
public sealed class TestIPad(GrainCluster cluster, bool forgetful, string? id = null) : IDisposable
{
    private readonly Channel<ApnsNotification> _pushes = Channel.CreateUnbounded<ApnsNotification>();
    private IDisposable? _subscription;

    public string Id { get; } = id ?? $"00008030-{Convert.ToHexString(RandomNumberGenerator.GetBytes(8))}";

    public PresentedCertificate Certificate { get; set; } = NewCertificate();

    public byte[] Token { get; private set; } = [];

    public string PushMagic { get; set; } = Guid.NewGuid().ToString().ToUpperInvariant();

    /// <summary>Where its messages come in; usually by a client.</summary>
    public IGrainFactory By { get; init; } = cluster.Grains;

    public IDeviceGrain Grain => By.GetGrain<IDeviceGrain>(Id);

    public static PresentedCertificate NewCertificate() =>
        new(RandomNumberGenerator.GetBytes(32), new DateTimeOffset(2028, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>A successor of its certificate, as SCEP would store it. It is not used yet.</summary>
    public async Task<PresentedCertificate> Renew()
    {
        var renewed = NewCertificate();
        var result = await cluster.Enrolments.Renew(new RenewalRequest
        {
            PublicKeyHash = RandomNumberGenerator.GetBytes(32),
            Certificate = new IssuedCertificate
            {
                Sha256 = renewed.Sha256,
                Der = RandomNumberGenerator.GetBytes(32),
                Renews = Certificate.Sha256,
                IssuedAt = cluster.Clock.GetUtcNow(),
                NotAfter = renewed.NotAfter,
            },
            At = cluster.Clock.GetUtcNow(),
        });
        Assert.Equal(RenewalOutcome.Renewed, result.Outcome);
        return renewed;
    }

    /// <summary>A certificate of a new invitation, as SCEP would store it. It is not used yet.</summary>
    public async Task<PresentedCertificate> Invited(Func<Invitation, Invitation>? change = null, ProvenIPad? proven = null)
    {
        var invitation = new Invitation
        {
            Id = Guid.NewGuid().ToString("N"),
            School = "Elm Street",
            CreatedAt = cluster.Clock.GetUtcNow(),
            ExpiresAt = cluster.Clock.GetUtcNow().AddDays(30),
            CreatedBy = "test",
        };
        invitation = change?.Invoke(invitation) ?? invitation;
        await cluster.Enrolments.CreateInvitation(invitation);
        return await InvitedBy(invitation.Id, proven: proven);
    }

    /// <summary>One more certificate of an invitation that stands.</summary>
    public async Task<PresentedCertificate> InvitedBy(string invitation, DateTimeOffset? notAfter = null, ProvenIPad? proven = null, byte[]? issuer = null)
    {
        var certificate = NewCertificate();
        if (notAfter is { } end) certificate = certificate with { NotAfter = end };
        var issued = await cluster.Enrolments.Issue(new IssueRequest
        {
            ChallengeHash = RandomNumberGenerator.GetBytes(32),
            PublicKeyHash = RandomNumberGenerator.GetBytes(32),
            At = cluster.Clock.GetUtcNow(),
            Certificate = new IssuedCertificate
            {
                Sha256 = certificate.Sha256,
                Der = RandomNumberGenerator.GetBytes(32),
                InvitationId = invitation,
                IssuedAt = cluster.Clock.GetUtcNow(),
                NotAfter = certificate.NotAfter,
                Authority = "mdm.district.example:8443",
                Proven = proven,
                Issuer = issuer,
            },
        });
        Assert.Equal(IssueOutcome.Issued, issued.Outcome);
        return certificate;
    }

    /// <summary>As an administrator allows it.</summary>
    public async Task AllowReenrolment()
    {
        cluster.Clock.Advance(TimeSpan.FromSeconds(1));
        var now = cluster.Clock.GetUtcNow();
        Assert.Equal(1, await cluster.Reenrolments.Allow(Scope.District, [Id], now, now.AddHours(1)));
    }

    public async Task<TestIPad> Enrolled()
    {
        Assert.Equal(DeviceRefusal.None, (await Authenticate()).Refusal);
        Assert.Equal(DeviceRefusal.None, (await TokenUpdate()).Refusal);
        return this;
    }

    public string SerialNumber { get; set; } = "F" + Convert.ToHexString(RandomNumberGenerator.GetBytes(5));

    public Task<DeviceReply> Authenticate(Func<AuthenticateMessage, AuthenticateMessage>? change = null)
    {
        var message = new AuthenticateMessage
        {
            Topic = cluster.Topic,
            Udid = Id,
            SerialNumber = SerialNumber,
            ProductName = "iPad14,1",
            OsVersion = "18.3",
            BuildVersion = "22D60",
        };
        return Step(grain => grain.Authenticate(change?.Invoke(message) ?? message, Certificate));
    }

    public Task<DeviceReply> TokenUpdate(byte[]? unlockToken = null, string? userShortName = null)
    {
        if (Token.Length == 0) TakePushToken(cluster.Apns.Register(cluster.Topic));
        return Step(grain => grain.TokenUpdate(
            new TokenUpdateMessage { Topic = cluster.Topic, Token = Token, PushMagic = PushMagic, UnlockToken = unlockToken, UserShortName = userShortName },
            Certificate));
    }

    public void TakePushToken(byte[] token)
    {
        _subscription?.Dispose();
        Token = token;
        _subscription = cluster.Apns.Subscribe(token, push => _pushes.Writer.TryWrite(push));
    }

    public Task<DeviceReply> CheckOut() => Step(grain => grain.CheckOut(Certificate));

    /// <summary>Idle. The UUID of the command that came back, or null.</summary>
    public Task<string?> Connect() => Report(ReportStatus.Idle, null);

    public Task<string?> Acknowledge(string uuid) => Report(ReportStatus.Acknowledged, uuid);

    public Task<string?> Fail(string uuid) => Report(ReportStatus.Error, uuid);

    public Task<string?> NotNow(string uuid) => Report(ReportStatus.NotNow, uuid);

    public async Task<string?> Report(ReportStatus status, string? uuid)
    {
        var reply = await RawReport(status, uuid);
        Assert.Equal(DeviceRefusal.None, reply.Refusal);
        return reply.Body is { } body ? CommandIn(body).GetString("CommandUUID") : null;
    }

    /// <remarks>As the API does it: an Idle asks for the grain's word first, here on every node.</remarks>
    public async Task<DeviceReply> RawReport(ReportStatus status, string? uuid)
    {
        if (status == ReportStatus.Idle && HasWordOfNothing()) return DeviceReply.Empty;
        return await Step(grain => grain.Report(
            status == ReportStatus.Idle
                ? CommandReportMessage.Idle
                : new CommandReportMessage
                {
                    Status = status,
                    CommandUuid = uuid,
                    Result = status == ReportStatus.NotNow ? null : "<plist version=\"1.0\"><dict/></plist>"u8.ToArray(),
                    ErrorSummary = status == ReportStatus.Error ? "MCMDMErrorDomain 12001: it failed" : null,
                },
            Certificate));
    }

    /// <summary>Whether a grain has left word that there is nothing to fetch.</summary>
    public bool HasWordOfNothing() => cluster.OfEverySilo<IIdleDevices>().Any(idle => idle.HasNothing(Id, Certificate.Sha256));

    public async Task<string> Enqueue(string requestType = "DeviceInformation", DateTimeOffset? expiresAt = null, string? uuid = null, bool push = true)
    {
        uuid ??= Guid.NewGuid().ToString().ToUpperInvariant();
        var result = await Step(grain => grain.Enqueue(Order(requestType, uuid) with { ExpiresAt = expiresAt, Push = push }));
        Assert.Equal(EnqueueOutcome.Accepted, result.Outcome);
        return uuid;
    }

    public static CommandOrder Order(string requestType, string uuid) => new()
    {
        CommandUuid = uuid,
        RequestType = requestType,
        Command = System.Text.Encoding.UTF8.GetBytes($"<dict><key>RequestType</key><string>{requestType}</string></dict>"),
    };

    public async Task<T> Step<T>(Func<IDeviceGrain, ValueTask<T>> step)
    {
        var result = await step(Grain);
        await Forget();
        return result;
    }

    /// <summary>Deactivates the grain when the test is about forgetful ones.</summary>
    public async Task Forget()
    {
        if (forgetful) await cluster.Cluster.DeactivateAsync(Grain).WaitAsync(GrainCluster.Patience);
    }

    public async Task<ApnsNotification> NextPush()
    {
        using var patience = new CancellationTokenSource(GrainCluster.Patience);
        try
        {
            return await _pushes.Reader.ReadAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"No push came for {Id}.");
        }
    }

    /// <summary>How many pushes have come that no test has looked at.</summary>
    public int UnseenPushes => _pushes.Reader.Count;

    public async Task<CommandEnding?> EndingOf(string uuid) => (await cluster.Queries.FindHistory(Id, uuid))?.Ending;

    public static PlistDictionary CommandIn(byte[] body) => (PlistDictionary)PlistReader.Read(body, PlistLimits.Device);

    public void Dispose() => _subscription?.Dispose();
}
