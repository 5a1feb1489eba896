using System.Security.Cryptography;
using System.Threading.Channels;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.Journal;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// One channel of an enrolled iPad: the device's, or that of one user of a Shared iPad. It has its own push token and its own
/// conversation with the server.
/// <see href="https://developer.apple.com/documentation/devicemanagement/sending-mdm-commands-to-a-device"/>
/// </summary>
/// <remarks>
/// One task waits for a reason to connect (a push, an unlock, a retry that is due) and holds one conversation at a time. Between
/// conversations nothing runs. Pushes that come during a conversation lead to one more after it.
/// </remarks>
internal sealed class MdmChannel
{
    public const string DeviceName = "device";
    private const int PushTokenBytes = 32;

    private const string CheckInType = "application/x-apple-aspen-mdm-checkin";
    private const string ConnectType = "application/x-apple-aspen-mdm; charset=UTF-8";

    /// <summary>The UserID that every user of a Shared iPad has.</summary>
    private const string SharedUserId = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF";

    private readonly VirtualIPad _ipad;
    private volatile EnrolmentProfile _profile;
    private volatile MdmConnection _connection;
    private readonly Channel<bool> _reasons = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _conversation = new(1);
    private readonly Lock _pushLock = new();
    private readonly byte[] _idle;
    private IPadReport? _unsent;
    private ITimer? _retry;
    private TimeSpan _nextWait;
    private long _pushedAt;
    private IDisposable? _pushes;
    private volatile bool _pollWhenUnlocked;
    private Dictionary<string, InstalledProfile>? _profiles;
    private DeclarativeClient? _declarations;

    public MdmChannel(VirtualIPad ipad, EnrolmentProfile profile, MdmConnection connection, string? userShortName)
    {
        _ipad = ipad;
        _profile = profile;
        _connection = connection;
        UserShortName = userShortName;
        Name = userShortName ?? DeviceName;
        PushToken = NewToken();
        PushMagic = Guid.NewGuid().ToString().ToUpperInvariant();
        _nextWait = ipad.Fleet.Options.FirstRetry;
        _idle = PlistWriter.Write(Message(("Status", "Idle")));
    }

    public string Name { get; }
    public string? UserShortName { get; }
    public byte[] PushToken { get; private set; }
    public string PushMagic { get; }
    /// <summary>Of a user's: the login is held until UserConfigured comes.</summary>
    public bool AwaitsConfiguration { get; set; }
    public bool Ended => _ended.IsCancellationRequested;

    /// <summary>Profiles installed in this channel, by PayloadIdentifier. Guarded by <see cref="VirtualIPad.StateLock"/>.</summary>
    public Dictionary<string, InstalledProfile> Profiles
    {
        get
        {
            DropEnded();
            return _profiles ??= new(StringComparer.Ordinal);
        }
    }

    /// <summary>The channel has what its user had on this iPad before.</summary>
    public void Keep(Dictionary<string, InstalledProfile> profiles) => _profiles = profiles;

    /// <summary>Made with the first command for it.</summary>
    public DeclarativeClient Declarations => _declarations ??= new DeclarativeClient(_ipad, this);

    /// <summary>Null: the channel was never asked to look at declarations.</summary>
    public DeclarativeClient? Declared => _declarations;

    /// <summary>The same to read: a channel without any makes none.</summary>
    public IReadOnlyCollection<InstalledProfile> Installed
    {
        get
        {
            DropEnded();
            return _profiles is null ? [] : _profiles.Values;
        }
    }

    /// <summary>An iPad removes a profile at its RemovalDate by itself, whether or not its server can be reached.</summary>
    private void DropEnded()
    {
        if (_profiles is null)
            return;
        var now = _ipad.Fleet.Options.Time.GetUtcNow();
        foreach (var (identifier, _) in _profiles.Where(one => one.Value.Profile.Content.GetValueOrDefault("RemovalDate") is DateTimeOffset removal && removal <= now).ToList())
            _profiles.Remove(identifier);
    }

    private IPadJournal Journal => _ipad.Journal;
    private FleetOptions Options => _ipad.Fleet.Options;

    /// <summary>From now on in the name of this identity.</summary>
    public void Use(EnrolmentProfile profile, MdmConnection connection) => (_profile, _connection) = (profile, connection);

    // ---- Check-in ----

    /// <summary>Sends Authenticate.</summary>
    public Task<MdmAnswer> AuthenticateAsync(CancellationToken cancellation) => CheckInAsync("Authenticate", Message(
        ("MessageType", "Authenticate"), ("Topic", _profile.Topic), ("OSVersion", _ipad.OsVersion),
        ("BuildVersion", _ipad.BuildVersion), ("ProductName", _ipad.Description.ProductName),
        ("SerialNumber", _ipad.Description.SerialNumber)), cancellation);

    /// <summary>Sends TokenUpdate; pushes may come as soon as it is on its way.</summary>
    /// <param name="unlockToken">Null on a user's channel and when there is none to escrow.</param>
    public Task<MdmAnswer> TokenUpdateAsync(byte[]? unlockToken, CancellationToken cancellation)
    {
        var message = Message(("MessageType", "TokenUpdate"), ("Topic", _profile.Topic), ("Token", PushToken), ("PushMagic", PushMagic));
        if (unlockToken is not null)
            message.Add("UnlockToken", unlockToken);
        if (UserShortName is null)
            message.Add("AwaitingConfiguration", _ipad.AwaitsConfiguration);
        else if (AwaitsConfiguration)
            message.Add("AwaitingConfiguration", true);
        if (_ipad.IsOnline)
            ListenForPushes();
        return CheckInAsync("TokenUpdate", message, cancellation);
    }

    /// <summary>The token changed, as it does after a restore; the old one is dead at once.</summary>
    public Task<MdmAnswer> ChangeTokenAsync(CancellationToken cancellation)
    {
        GiveUpToken();
        PushToken = NewToken();
        return TokenUpdateAsync(null, cancellation);
    }

    /// <summary>Sends CheckOut, once: Apple's best effort.</summary>
    public Task CheckOutAsync(CancellationToken cancellation) => CheckInAsync("CheckOut",
        Message(("MessageType", "CheckOut"), ("Topic", _profile.Topic)), cancellation, patiently: false);

    /// <summary>Sends any other check-in message.</summary>
    /// <param name="about">For the journal.</param>
    public Task<MdmAnswer> CheckInAsync(string messageType, IEnumerable<KeyValuePair<string, object>> keys, CancellationToken cancellation, string? about = null)
    {
        var message = Message(("MessageType", messageType));
        foreach (var (key, value) in keys)
            message.Add(key, value);
        return CheckInAsync(messageType, message, cancellation, about: about);
    }

    private async Task<MdmAnswer> CheckInAsync(string type, PlistDict message, CancellationToken cancellation, bool patiently = true, string? about = null)
    {
        var body = PlistWriter.Write(message);
        var answer = patiently
            ? await _connection.PutPatientlyAsync(_profile.CheckInUrl, CheckInType, body, cancellation)
            : await _connection.PutAsync(_profile.CheckInUrl, CheckInType, body, cancellation);
        Journal.Write(JournalKind.CheckIn, Name, type, httpStatus: answer.Status, detail: answer.Success ? about : Explain(answer));
        if (!answer.Success)
            EndIfTold(answer);
        return answer;
    }

    // ---- Reasons to connect ----

    /// <summary>Begins to react to pushes and the like; without it, only <see cref="ConnectAsync"/> connects.</summary>
    public void Start() => _ = Task.Run(RunAsync);

    public void WentOffline()
    {
        lock (_pushLock)
        {
            _pushes?.Dispose();
            _pushes = null;
        }
    }

    /// <summary>APNs delivers the push that it kept, and a report that could not be sent is sent.</summary>
    public void CameOnline()
    {
        ListenForPushes();
        if (_unsent is not null)
            Wake();
        _declarations?.CameOnline();
    }

    public void Unlocked()
    {
        if (_pollWhenUnlocked)
            Wake();
    }

    public void Wake() => _reasons.Writer.TryWrite(true);

    private void ListenForPushes()
    {
        lock (_pushLock)
        {
            if (!Ended)
                _pushes ??= Options.Apns?.Subscribe(PushToken, PushArrived);
        }
    }

    /// <summary>The token is dead from now on.</summary>
    private void GiveUpToken()
    {
        lock (_pushLock)
        {
            _pushes?.Dispose();
            _pushes = null;
            Options.Apns?.Unregister(PushToken);
        }
    }

    private byte[] NewToken() => Options.Apns?.Register(_profile.Topic) ?? RandomNumberGenerator.GetBytes(PushTokenBytes);

    private void PushArrived(ApnsNotification push)
    {
        if (push.PushMagic != PushMagic)
        {
            Journal.Write(JournalKind.PushIgnored, Name);
            return;
        }
        Journal.Write(JournalKind.PushReceived, Name);
        Interlocked.CompareExchange(ref _pushedAt, Options.Time.GetTimestamp(), 0);
        Wake();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await _reasons.Reader.ReadAsync(_ended.Token);
                await ConnectAsync(_ended.Token);
            }
        }
        catch (Exception) when (Ended)
        {
            // The enrolment ended, and with it whatever was under way.
        }
        catch (Exception e)
        {
            // A mistake of the simulator's own must not pass for a quiet iPad.
            Journal.Write(JournalKind.Violation, Name, detail: $"the simulated iPad failed: {e}");
        }
    }

    // ---- The conversation ----

    /// <summary>
    /// 1. Report what is still unreported, or Idle. 2. While the server answers with a command, run it and report. 3. An empty
    /// answer ends the conversation. 4. Anything but 2xx ends it too: the report is kept and sent again later.
    /// </summary>
    public async Task ConnectAsync(CancellationToken cancellation)
    {
        await _conversation.WaitAsync(cancellation);
        try
        {
            _retry?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _pollWhenUnlocked = false;
            var report = _unsent ?? new IPadReport("Idle", null, "", _idle);
            while (!Ended)
            {
                _unsent = report.CommandUuid is null || report.OnlyOnce ? null : report;
                if (!_ipad.IsOnline)
                {
                    // It erases itself all the same: it does not wait for anybody to have heard of it.
                    if (report.OnlyOnce)
                        await report.Afterwards!(cancellation);
                    return;
                }
                var answer = await _connection.PutAsync(_profile.ServerUrl, ConnectType, report.Body, cancellation);
                var command = answer.Success ? ReadCommand(answer) : null;
                Answered(report, answer, command);
                if (report.OnlyOnce || (answer.Success && report.Afterwards is not null))
                    await report.Afterwards!(cancellation);
                if (!answer.Success)
                {
                    if (!EndIfTold(answer) && !report.OnlyOnce)
                        ComeAgain(answer);
                    return;
                }
                _unsent = null;
                _nextWait = Options.FirstRetry;
                // It went down with the answer in its hands. The server hands the command out again.
                if (report.Afterwards is not null && !_ipad.IsOnline)
                    return;
                if (command is null || Ended)
                {
                    PollAgainIfNotNow(report);
                    return;
                }
                report = await IPadCommands.RunAsync(this, command, _ipad, cancellation);
            }
        }
        finally
        {
            _conversation.Release();
        }
    }

    /// <summary>The command in an answer; null when the answer is empty, or not a command (which is recorded).</summary>
    private IncomingCommand? ReadCommand(MdmAnswer answer)
    {
        if (answer.Body.Length == 0)
            return null;
        try
        {
            return IncomingCommand.Read(answer.Body);
        }
        catch (PlistException e)
        {
            Journal.Write(JournalKind.Violation, Name, detail: $"the answer to a report is no command: {e.Message}");
            return null;
        }
    }

    private void Answered(IPadReport report, MdmAnswer answer, IncomingCommand? next)
    {
        if (report.CommandUuid is { } uuid && answer.Success)
        {
            Journal.ReportAccepted(Name, uuid, report.RequestType, report.Status);
            _ipad.Fleet.ReportAccepted(uuid, report.Status);
        }
        if (Interlocked.Exchange(ref _pushedAt, 0) is not 0 and var pushed)
            _ipad.Fleet.Measurements.PushToConnect.Record(Options.Time.GetElapsedTime(pushed));
        Journal.Write(JournalKind.Report, Name, report.Status, report.CommandUuid, report.CommandUuid is null ? null : report.RequestType,
            answer.Status, next?.CommandUuid, answer.Success ? null : Explain(answer));
    }

    /// <summary>
    /// An iPad polls again by itself when its state changes, but only if NotNow was the last Status that it sent.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/handling-notnow-status-responses"/>
    /// </summary>
    private void PollAgainIfNotNow(IPadReport last)
    {
        _pollWhenUnlocked = last.Status == "NotNow";
        // It may have been unlocked between the report and now.
        if (_pollWhenUnlocked && !_ipad.IsLocked)
            Wake();
    }

    /// <summary>401 and the unrecognized.device error make an iPad remove its management.</summary>
    private bool EndIfTold(MdmAnswer answer)
    {
        if (answer.Status == 401)
            _ipad.Unenrol("401", violation: true);
        else if (answer.Status == 403 && ServerError.Code(answer) == "com.apple.unrecognized.device")
            _ipad.Unenrol("403 com.apple.unrecognized.device");
        return Ended;
    }

    private void ComeAgain(MdmAnswer answer)
    {
        var wait = answer.RetryAfter ?? _nextWait;
        _nextWait = _ipad.Fleet.Http.Longer(_nextWait);
        _retry ??= Options.Time.CreateTimer(static channel => ((MdmChannel)channel!).Wake(), this,
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _retry.Change(wait, Timeout.InfiniteTimeSpan);
    }

    public void End()
    {
        _ended.Cancel();
        GiveUpToken();
        _retry?.Dispose();
        _declarations?.Dispose();
    }

    /// <summary>A message with the keys that say whose it is.</summary>
    public PlistDict Message(params ReadOnlySpan<(string Key, object Value)> keys)
    {
        var message = new PlistDict();
        foreach (var (key, value) in keys)
            message.Add(key, value);
        message.Add("UDID", _ipad.Description.Udid);
        if (UserShortName is not null)
        {
            message.Add("UserID", SharedUserId);
            message.Add("UserShortName", UserShortName);
            message.Add("UserLongName", UserShortName);
        }
        return message;
    }

    private static string Explain(MdmAnswer answer)
    {
        const int Enough = 300;
        if (answer.Failure is not null)
            return answer.Failure;
        var text = System.Text.Encoding.UTF8.GetString(answer.Body);
        return text.Length <= Enough ? text : text[..Enough];
    }
}
