using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.Journal;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// A simulated iPad. It does to a server what a real one does, over real HTTPS, and keeps a <see cref="Journal"/> of it. It is
/// written from Apple's documentation and shares no code with the server that it tests.
/// </summary>
/// <remarks>
/// The methods that change its surroundings (lock, offline, …) may be called from any thread. Enrolling, erasing and leaving
/// do not overlap: they take turns.
/// </remarks>
public sealed partial class VirtualIPad : IAsyncDisposable
{
    private const string UsualPasscode = "250814";

    /// <summary>About as large as a real one.</summary>
    private const int UnlockTokenBytes = 2048;

    /// <summary>iOS' Safari asks for web pages; the enrolment link is opened in it.</summary>
    private const string SafariUserAgent =
        "Mozilla/5.0 (iPad; CPU OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1";

    /// <summary>Bytes that a user of a Shared iPad has on it after the first login.</summary>
    private const long FirstUserData = 120_000_000;

    /// <summary>The release of iPadOS that ACME and attestation came with.</summary>
    private const int AttestsFrom = 16;

    private const int FirstModelThatAttests = 8;

    /// <summary>Apple attests the properties of a device anew once in this time.</summary>
    private static readonly TimeSpan NewAttestationEvery = TimeSpan.FromDays(7);

    private static readonly Lazy<AttestationAuthority> UnknownAttestation = new(() => new AttestationAuthority());

    private static readonly Lazy<DeviceAuthority> UnknownFactory = new(() => new DeviceAuthority());

    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, MdmChannel> _users = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, IReadOnlyList<AppleError>>? _failures;
    private ConcurrentDictionary<string, (string Code, string? Words)>? _declarationFailures;
    private readonly Lazy<DeviceIdentity> _deviceCertificate;
    private (byte[] Nonce, DateTimeOffset At, IReadOnlyList<byte[]> Chain)? _attested;
    private EnrolmentProfile? _profile;
    private MdmConnection? _connection;
    private MdmChannel? _device;
    private volatile bool _locked;
    private volatile bool _offline;
    private volatile bool _offWifi;
    private IPadState? _state;
    private ITimer? _starting;

    internal VirtualIPad(IPadFleet fleet, IPadDescription description)
    {
        Fleet = fleet;
        Description = description;
        Name = description.Name;
        Passcode = description.PasscodeSet ? UsualPasscode : null;
        Journal = new IPadJournal(fleet.Options.JournalCapacity, fleet.Options.Time, entry => fleet.Written(description.Udid, entry));
        _deviceCertificate = new Lazy<DeviceIdentity>(() => (fleet.Options.Factory ?? UnknownFactory.Value).Issue());
    }

    public IPadDescription Description { get; private set; }
    public string Udid => Description.Udid;
    public IPadJournal Journal { get; }

    /// <summary>What Settings, General, About shows; the Settings command may change it.</summary>
    public string Name { get; internal set; }
    public bool PasscodeSet => Passcode is not null;
    public bool IsEnrolled => _device is { Ended: false };
    public bool IsOnline => !_offline;
    /// <summary>Started and not yet unlocked for the first time: most commands cannot run.</summary>
    public bool IsLocked => _locked;
    public int TimesErased { get; private set; }

    /// <summary>Where it is; null: it cannot find out. It tells only while it is lost.</summary>
    public (double Latitude, double Longitude)? Whereabouts { get; set; } = (52.52, 13.405);

    /// <summary>What Apple's servers say of it instead of the truth; null from it: they do not attest.</summary>
    public Func<AttestationClaims, AttestationClaims?>? Attesting { get; set; }

    /// <summary>What runs on it now: an update may have changed what was on the box.</summary>
    public string OsVersion => _state?.Updated?.Version ?? Description.OsVersion;
    public string BuildVersion => _state?.Updated?.Build ?? Description.BuildVersion;

    /// <summary>The app that is shown alone, by its bundle identifier; null: it is not locked into one.</summary>
    public string? LockedIntoApp
    {
        get
        {
            lock (_lock)
                return _device?.Installed.SelectMany(profile => profile.Of(PayloadRules.AppLock)).Select(payload => payload.Dict("App")?.Text("Identifier")).FirstOrDefault();
        }
    }

    /// <summary>Whether it is in Lost Mode.</summary>
    public bool IsLost => _state?.Lost is not null;

    /// <summary>It waits in Setup Assistant.</summary>
    public bool AwaitsConfiguration { get; internal set; }

    /// <summary>As the profile says that came from Apple; null: none did.</summary>
    internal bool? WillAwait { get; set; }

    /// <summary>Apps that are there or being downloaded, by bundle identifier.</summary>
    public IReadOnlyCollection<string> InstalledApps
    {
        get
        {
            lock (_lock)
                return [.. State.Apps.All.Where(app => app.IsThere).Select(app => app.Identifier)];
        }
    }

    /// <summary>From the factory: it stays through an erase.</summary>
    public DeviceIdentity DeviceCertificate => _deviceCertificate.Value;

    /// <summary>The identity of the present enrolment, for tests that speak in its name; null when not enrolled.</summary>
    public DeviceIdentity? Identity => IsEnrolled ? _connection?.Identity : null;

    /// <summary>The identity of the present enrolment, upper-case hex of its SHA-256; null when not enrolled.</summary>
    public string? IdentitySha256 => IsEnrolled ? _connection?.Identity.Sha256 : null;

    /// <summary>PayloadIdentifiers of the profiles on the device channel, the enrolment profile not among them.</summary>
    public IReadOnlyCollection<string> InstalledProfiles
    {
        get
        {
            lock (_lock)
                return _device is null ? [] : [.. _device.Installed.Select(profile => profile.Profile.Identifier)];
        }
    }

    /// <summary>PayloadIdentifiers of the profiles that a user of this Shared iPad has on it.</summary>
    public IReadOnlyCollection<string> ProfilesOf(string userShortName)
    {
        lock (_lock)
            return State.Users.TryGetValue(userShortName, out var user) ? [.. user.Profiles.Keys] : [];
    }

    /// <summary>Identifiers of the declarations that it has fetched on the device channel.</summary>
    public IReadOnlyCollection<string> Declarations => _device?.Declared is { } declared ? [.. declared.Held.Select(one => one.Identifier)] : [];

    internal IPadFleet Fleet { get; }
    internal Lock StateLock => _lock;
    internal EnrolmentProfile? Profile => _profile;
    internal byte[]? UnlockToken { get; private set; }
    internal string? Passcode { get; private set; }
    internal int MajorVersion => Release.Major(OsVersion);

    /// <summary>What it does in Setup Assistant with nobody in front of it; null: Apple knows of no organisation that it belongs to.</summary>
    internal Func<Task>? SetsItselfUp { get; set; }

    /// <summary>What is on it. Made when it is asked for: who only looks asks <see cref="Touched"/>.</summary>
    internal IPadState State => _state ??= new IPadState();
    internal IPadState? Touched => _state;

    /// <summary>Whether anything was ever changed on it, beside its enrolment.</summary>
    internal bool HasState => _state is not null;

    // ---- Enrolment ----

    /// <summary>
    /// 1. Fetch the invitation's profile as Safari does. If it asks who the iPad is, answer it, signed with the device certificate; get a certificate
    /// by SCEP; answer again, signed with that. 2. Check the enrolment profile's signature and what it says. 3. Make a key and get an identity
    /// by SCEP. 4. Authenticate. 5. TokenUpdate. 6. Wait for pushes.
    /// </summary>
    /// <exception cref="EnrolmentException">The iPad refused, or was refused; the message says at what.</exception>
    public async Task EnrolAsync(Uri invitation, CancellationToken cancellation = default)
    {
        var answer = await Fleet.Http.SendPatientlyAsync(HttpMethod.Get, invitation, null, null, headers =>
        {
            headers.TryAddWithoutValidation("User-Agent", SafariUserAgent);
            headers.TryAddWithoutValidation("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
            headers.TryAddWithoutValidation("Accept-Language", "en-GB,en;q=0.9");
        }, cancellation);
        if (!answer.Success)
            throw new EnrolmentException($"The invitation was answered {answer}.");
        if (answer.MediaType != "application/x-apple-aspen-config")
            throw new EnrolmentException($"The invitation came as '{answer.MediaType}'; Safari installs application/x-apple-aspen-config.");
        await EnrolWithProfileAsync(await OverTheAirAsync(answer.Body, cancellation), cancellation);
    }

    /// <summary>The two answers of an enrolment over the air. A profile of another kind stays as it is.</summary>
    /// <returns>The enrolment profile.</returns>
    public async Task<byte[]> OverTheAirAsync(byte[] profile, CancellationToken cancellation = default)
    {
        var (content, signer, chain) = ConfigurationProfile.Open(profile);
        if (ProfileServiceRequest.Read(content) is not { } request)
            return profile;
        CheckTrusted(signer, chain);
        var reply = await AnswerAsync(request, DeviceCertificate, cancellation);
        var next = ReadSigned(reply);
        if (next.Payloads.Any(payload => payload.Text("PayloadType") == "com.apple.mdm"))
            // The server does not know who made this iPad, and enrols it like anybody.
            return reply;
        var scep = next.Payloads.Where(payload => payload.Text("PayloadType") == "com.apple.security.scep").ToList();
        if (scep.Count != 1 || next.Payloads.Count != 1)
            throw new EnrolmentException("The first answer was answered with something else than one SCEP payload.");
        return await AnswerAsync(request, await GetIdentityAsync(ScepPayload.Read(scep[0]), renews: null, cancellation), cancellation);
    }

    /// <summary>Signs and posts what the iPad was asked.</summary>
    private async Task<byte[]> AnswerAsync(ProfileServiceRequest request, DeviceIdentity identity, CancellationToken cancellation)
    {
        var signed = MdmSignature.SignAttached(PlistWriter.Write(request.Answer(Description with { BuildVersion = BuildVersion }, Name)), identity.Certificate);
        // Not patiently: what was taken once is not taken again, and the person begins anew.
        var answer = await Fleet.Http.SendAsync(HttpMethod.Post, request.Url, "application/pkcs7-signature", signed, null, null, cancellation);
        if (!answer.Success)
            throw new EnrolmentException($"The iPad said who it is, and was answered {answer}: {System.Text.Encoding.UTF8.GetString(answer.Body)}");
        if (answer.MediaType != "application/x-apple-aspen-config")
            throw new EnrolmentException($"The iPad said who it is, and was answered with '{answer.MediaType}'.");
        return answer.Body;
    }

    /// <summary>The same from step 2 on, with a profile that came some other way.</summary>
    public async Task EnrolWithProfileAsync(byte[] profileBytes, CancellationToken cancellation = default)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            if (IsEnrolled)
                throw new EnrolmentException("This iPad is enrolled; its management has to be removed first.");
            var profile = EnrolmentProfile.Read(ReadSigned(profileBytes));
            await BeginAsync(profile, await GetIdentityAsync(profile, renews: null, cancellation), cancellation);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The same from step 4 on, for tests of this simulator.</summary>
    internal async Task BeginAsync(EnrolmentProfile profile, DeviceIdentity identity, CancellationToken cancellation)
    {
        var connection = new MdmConnection(Fleet.Http, Fleet.Options, identity, profile.SignMessage);
        var device = new MdmChannel(this, profile, connection, userShortName: null);
        lock (_lock)
        {
            _profile = profile;
            _connection = connection;
            _device = device;
            UnlockToken = RandomNumberGenerator.GetBytes(UnlockTokenBytes);
            AwaitsConfiguration = WillAwait ?? Description.Automated;
        }
        try
        {
            await StepAsync("Authenticate", device.AuthenticateAsync(cancellation));
            await StepAsync("TokenUpdate", device.TokenUpdateAsync(UnlockToken, cancellation));
        }
        catch
        {
            // The profile is not installed by half.
            End();
            throw;
        }
        Journal.Write(JournalKind.Enrolled, device.Name);
        device.Start();
    }

    /// <summary>A user of a Shared iPad logs in with a Managed Apple Account: a channel of its own opens.</summary>
    public async Task LogInAsync(string userShortName, CancellationToken cancellation = default)
    {
        if (!Description.Shared || _profile is not { } profile || !IsEnrolled)
            throw new InvalidOperationException("Only on an enrolled Shared iPad can users log in.");
        if (!profile.ServerCapabilities.Contains("com.apple.mdm.per-user-connections"))
            throw new EnrolmentException("The server does not name com.apple.mdm.per-user-connections: users have no channel.");
        var channel = new MdmChannel(this, profile, _connection!, userShortName);
        lock (_lock)
        {
            if (State.Fact("TemporarySessionOnly") is true)
                throw new InvalidOperationException("This iPad has temporary sessions only: nobody logs in.");
            channel.AwaitsConfiguration = State.HoldsUsers;
            if (!_users.TryAdd(userShortName, channel))
                throw new InvalidOperationException($"{userShortName} is logged in already.");
            State.Users.TryAdd(userShortName, new SharedUser(FirstUserData));
            channel.Keep(State.Users[userShortName].Profiles);
        }
        try
        {
            await StepAsync("TokenUpdate", channel.TokenUpdateAsync(unlockToken: null, cancellation));
        }
        catch
        {
            LogOut(userShortName);
            throw;
        }
        Journal.Write(JournalKind.Enrolled, channel.Name);
        channel.Start();
    }

    /// <summary>Out of the box, as the profile says that came from Apple.</summary>
    internal void BeShared(bool shared) => Description = Description with { Shared = shared };

    /// <summary>Whether this user's login is held until UserConfigured comes.</summary>
    public bool IsHeld(string userShortName)
    {
        lock (_lock)
            return _users.TryGetValue(userShortName, out var channel) && channel.AwaitsConfiguration;
    }

    /// <summary>The user's channel is silent until the next login.</summary>
    public void LogOut(string userShortName)
    {
        lock (_lock)
        {
            if (_users.Remove(userShortName, out var channel))
                channel.End();
        }
    }

    internal void LogOutAll()
    {
        string[] users;
        lock (_lock)
            users = [.. _users.Keys];
        foreach (var user in users)
            LogOut(user);
    }

    internal bool IsLoggedIn(string userShortName)
    {
        lock (_lock)
            return _users.ContainsKey(userShortName);
    }

    /// <summary>The user's work has not reached iCloud yet, or has.</summary>
    public void LeaveUnsynced(string userShortName, bool unsynced = true)
    {
        lock (_lock)
            State.Users[userShortName].HasDataToSync = unsynced;
    }

    /// <summary>The device's token changed, as after a restore.</summary>
    public Task ChangePushTokenAsync(CancellationToken cancellation = default) => Enrolled().ChangeTokenAsync(cancellation);

    /// <summary>Sends a check-in message with these keys (and those that say who it is) and returns the answer as it came.</summary>
    public Task<MdmAnswer> CheckInAsync(string messageType, IReadOnlyDictionary<string, object> keys, CancellationToken cancellation = default) =>
        Enrolled().CheckInAsync(messageType, keys, cancellation);

    /// <summary>Connects now, without a push, and returns when the conversation is over.</summary>
    public Task ConnectAsync(string channel = MdmChannel.DeviceName, CancellationToken cancellation = default) =>
        (channel == MdmChannel.DeviceName ? Enrolled() : User(channel)).ConnectAsync(cancellation);

    /// <summary>A person removes the management profile in Settings. CheckOut is tried once, if the profile asks for it.</summary>
    public async Task RemoveManagementAsync(CancellationToken cancellation = default)
    {
        var device = Enrolled();
        if (_profile!.CheckOutWhenRemoved && IsOnline)
            await device.CheckOutAsync(cancellation);
        Unenrol("removed on the iPad");
    }

    /// <summary>It leaves its service to enrol with another one, and keeps what that management installed until <see cref="MigrationEnds"/>.</summary>
    internal async Task LeaveToMigrateAsync(bool saysGoodbye, CancellationToken cancellation)
    {
        var device = Enrolled();
        lock (_lock)
            State.Apps.Keep();
        if (saysGoodbye && _profile!.CheckOutWhenRemoved && IsOnline)
            await device.CheckOutAsync(cancellation);
        Unenrol("it moves to another management service");
    }

    /// <summary>The new service lets it go on: kept apps that it has not installed go.</summary>
    internal void MigrationEnds()
    {
        lock (_lock)
            _state?.KeptAppsGo();
    }

    // ---- What commands do ----

    /// <summary>
    /// The enrolment profile came again, by InstallProfile: a new identity, a new check-in, the same management. What fails leaves
    /// everything as it was.
    /// </summary>
    /// <exception cref="EnrolmentException">The profile or the server does not do; the old enrolment stands.</exception>
    internal async Task RenewAsync(MdmChannel device, ConfigurationProfile received, CancellationToken cancellation)
    {
        var profile = EnrolmentProfile.Read(received);
        var (oldProfile, oldConnection) = (_profile!, _connection!);
        if (profile.ServerUrl.OriginalString != oldProfile.ServerUrl.OriginalString || profile.CheckInUrl.OriginalString != oldProfile.CheckInUrl.OriginalString
            || profile.Topic != oldProfile.Topic)
            throw new EnrolmentException("A renewed enrolment profile keeps its ServerURL, its CheckInURL and its Topic, to the letter.");
        // A challenge lets it ask as it did at first; without one its old key has to speak for the new one.
        var identity = await GetIdentityAsync(profile, profile is { Acme: null, Scep.Challenge: null } ? oldConnection.Identity : null, cancellation);
        Use(profile, new MdmConnection(Fleet.Http, Fleet.Options, identity, profile.SignMessage));
        try
        {
            await StepAsync("Authenticate", device.AuthenticateAsync(cancellation));
            await StepAsync("TokenUpdate", device.TokenUpdateAsync(UnlockToken, cancellation));
        }
        catch
        {
            Use(oldProfile, oldConnection);
            throw;
        }
        oldConnection.Close();
        Journal.Write(JournalKind.Renewed, device.Name);

        void Use(EnrolmentProfile current, MdmConnection connection)
        {
            lock (_lock)
            {
                (_profile, _connection) = (current, connection);
                foreach (var channel in _users.Values.Append(device))
                    channel.Use(current, connection);
            }
        }
    }

    /// <summary>Everything that came by the management profile goes with it.</summary>
    internal void Unenrol(string why, bool violation = false)
    {
        if (!IsEnrolled)
            return;
        End();
        Journal.Write(JournalKind.Unenrolled, MdmChannel.DeviceName, detail: why);
        if (violation)
            Journal.Write(JournalKind.Violation, MdmChannel.DeviceName, detail: $"the server answered {why}: this iPad is no longer managed");
    }

    /// <summary>As good as new: no enrolment, no name, no passcode, nothing on it. What was updated stays so.</summary>
    /// <param name="back">Null: a person has to set it up.</param>
    internal void Erase(ReturnToService? back = null)
    {
        End();
        lock (_lock)
        {
            Name = "iPad";
            Passcode = null;
            _state = _state?.Updated is { } updated ? new IPadState { Updated = updated } : null;
            TimesErased++;
        }
        _locked = false;
        Journal.Write(JournalKind.Erased, MdmChannel.DeviceName);
        if (back is not null)
            _ = Task.Run(() => ReturnAsync(back));
    }

    /// <summary>Return to Service: it joins the Wi-Fi that the erase brought, and enrols by the profile that came with it.</summary>
    private async Task ReturnAsync(ReturnToService back)
    {
        try
        {
            if (back.Wifi is null)
                throw new EnrolmentException("the erase brought no Wi-Fi");
            if (back.Management is not null)
                await EnrolWithProfileAsync(await OverTheAirAsync(back.Management));
            else if (SetsItselfUp is { } setUp)
                await setUp();
            else
                throw new EnrolmentException("the erase brought no management profile, and no Automated Device Enrolment knows this iPad");
            lock (_lock)
            {
                if (_device is not null)
                    _device.Profiles[back.Wifi.Identifier] = new InstalledProfile(back.Wifi, Managed: false);
            }
        }
        catch (Exception e) when (e is EnrolmentException or ObjectDisposedException)
        {
            Journal.Write(JournalKind.Unenrolled, MdmChannel.DeviceName, detail: $"it could not return to service: {e.Message}");
        }
    }

    /// <summary>Starts anew: with a passcode, it is locked, and off its Wi-Fi, until somebody enters it. Without, it is back after a while.</summary>
    internal void Restart()
    {
        if (PasscodeSet)
        {
            Lock();
            GoOffline();
            _offWifi = true;
            return;
        }
        GoOffline();
        _starting ??= Fleet.Options.Time.CreateTimer(static ipad => ((VirtualIPad)ipad!).GoOnline(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _starting.Change(Fleet.Options.RestartTime, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Off until somebody turns it on.</summary>
    internal void ShutDown()
    {
        GoOffline();
        _offWifi = PasscodeSet;
    }

    /// <summary>The update is installed while it restarts.</summary>
    internal void UpdateTo(Release release)
    {
        lock (_lock)
            (State.Updated, State.Update) = (release, null);
        Restart();
    }

    // ---- Inside ----

    private ConfigurationProfile ReadSigned(byte[] bytes)
    {
        var profile = ConfigurationProfile.Read(bytes);
        CheckTrusted(profile.Signer, profile.SignerChain);
        return profile;
    }

    private void CheckTrusted(X509Certificate2? signer, X509Certificate2Collection chain)
    {
        if (signer is null)
            throw new EnrolmentException("The enrolment profile is not signed.");
        if (Fleet.Options.Trust.WhyNotTrusted(signer, chain, Fleet.Options.Time.GetUtcNow()) is { } why)
            throw new EnrolmentException($"The enrolment profile's signer is not trusted: {why}");
    }

    private async Task<DeviceIdentity> GetIdentityAsync(EnrolmentProfile profile, DeviceIdentity? renews, CancellationToken cancellation)
    {
        if (profile.Acme is not { } acme)
            return await GetIdentityAsync(profile.Scep, renews, cancellation);
        if (MajorVersion < AttestsFrom)
            throw new EnrolmentException("This iPad has never heard of com.apple.security.acme.");
        // In the Secure Enclave: always a new one, and its own.
        var key = ECDsa.Create(acme.KeySize == 384 ? ECCurve.NamedCurves.nistP384 : ECCurve.NamedCurves.nistP256);
        using var client = new AcmeClient(Fleet.Http);
        return await client.EnrolAsync(acme, key, freshness => acme.Attest ? Attest(key, freshness) : null, cancellation);
    }

    /// <summary>What Apple's servers attest of this iPad, and of a key in its Secure Enclave. Null: the iPad cannot, or they do not.</summary>
    internal IReadOnlyList<byte[]>? Attest(ECDsa key, byte[] freshness)
    {
        if (!CanAttest)
            return null;
        var claims = new AttestationClaims
        {
            SerialNumber = Description.SerialNumber,
            Udid = Udid,
            OsVersion = OsVersion,
            SepOsVersion = OsVersion,
            SoftwareUpdateDeviceId = DeviceFacts.Answer("SoftwareUpdateDeviceID", this) as string,
            Freshness = freshness,
        };
        var said = Attesting is { } change ? change(claims) : claims;
        return said is null ? null : (Fleet.Options.Attestation ?? UnknownAttestation.Value).Attest(key, said);
    }

    /// <summary>The answer to DevicePropertiesAttestation: a new one at most every seven days, otherwise that of before.</summary>
    internal IReadOnlyList<byte[]>? AttestProperties(byte[]? nonce)
    {
        var now = Fleet.Options.Time.GetUtcNow();
        lock (_lock)
        {
            if (_attested is { } before && (nonce is null || before.Nonce.AsSpan().SequenceEqual(nonce) || now - before.At < NewAttestationEvery))
                return before.Chain;
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        if (Attest(key, nonce ?? []) is not { } chain)
            return null;
        lock (_lock)
            _attested = (nonce ?? [], now, chain);
        return chain;
    }

    /// <summary>iPad8,1 is the first with a chip that can.</summary>
    private bool CanAttest => MajorVersion >= AttestsFrom
        && int.TryParse(Description.ProductName.Replace("iPad", "", StringComparison.Ordinal).Split(',')[0], out var model) && model >= FirstModelThatAttests;

    private async Task<DeviceIdentity> GetIdentityAsync(ScepPayload scep, DeviceIdentity? renews, CancellationToken cancellation)
    {
        // Making a key is CPU work of up to a second: not on the caller's thread.
        var key = await Task.Run(() => Fleet.Options.Keys.Take(scep.KeySize), cancellation);
        return await new ScepClient(Fleet.Http, Fleet.Options.Time).EnrolAsync(scep, key, renews, cancellation);
    }

    private static async Task StepAsync(string step, Task<MdmAnswer> sending)
    {
        var answer = await sending;
        if (!answer.Success)
            throw new EnrolmentException($"{step} was answered {answer}.");
    }

    private void End()
    {
        lock (_lock)
        {
            foreach (var user in _users.Values)
                user.End();
            _users.Clear();
            _device?.End();
            _device = null;
            // A conversation of another channel may still be signing: the identity goes with the last reference to it.
            _connection?.Close();
            _connection = null;
            _profile = null;
            UnlockToken = null;
            AwaitsConfiguration = false;
            _state?.ManagementEnded();
        }
    }

    private MdmChannel Enrolled() => _device is { Ended: false } device
        ? device
        : throw new InvalidOperationException($"The iPad {Udid} is not enrolled.");

    private MdmChannel User(string shortName)
    {
        lock (_lock)
            return _users.GetValueOrDefault(shortName) ?? throw new InvalidOperationException($"{shortName} is not logged in.");
    }

    private void ForEachChannel(Action<MdmChannel> action)
    {
        MdmChannel[] channels;
        lock (_lock)
            channels = _device is null ? [] : [_device, .. _users.Values];
        foreach (var channel in channels)
            action(channel);
    }
}
