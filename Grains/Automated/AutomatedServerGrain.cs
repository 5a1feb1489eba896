using System.Security.Cryptography;
using System.Text.Json;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Outside;
using FleetMdm.Protocol.Automated;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Automated;

// A round:
//
//   1. due       by the row, or since somebody asks; what this activation has just done counts too
//   2. list      pages of iPads, each stored with its cursor before the next is asked for (SyncPart)
//   3. profiles  those that iPads should have and Apple does not know in this form are defined there
//   4. review    which iPad lacks its profile: one statement, and only after something has changed
//   5. assign    in batches, and what Apple says of each
//   6. next      when it goes on; after a failure with a pause that grows
//
// All of it is in the store: this grain may be lost at any moment, and another one goes on with the next page.

/// <inheritdoc cref="IAutomatedServerGrain"/>
/// <remarks>
/// Threads: one round at a time, beside the calls. Two activations at once (a node that was paused) cannot write over each other: each write is guarded by the row's revision, and
/// before each request the node's lease is looked at.
/// A list without news costs one request and no write: that it was asked is kept in memory, and written once an hour.
/// </remarks>
[GrainType("automated-server")]
internal sealed partial class AutomatedServerGrain(
    IAutomatedSyncStore store, IAutomatedStore facts, IAuditStore audit, AppleDeviceService apple, SecretSealer sealer, NodeLease lease, IOptions<AutomatedOptions> options, TimeProvider clock,
    ILogger<AutomatedServerGrain> logger) : Grain, IAutomatedServerGrain
{
    private static readonly TimeSpan WriteEvery = TimeSpan.FromHours(1);

    /// <summary>Pages of one round: more than any organisation has. Then it waits for its next turn.</summary>
    private const int MostPages = 2_000;

    private const int MostAtOnce = 1_000;

    private const int MostNewLists = 2;

    /// <summary>What changes the school of a serial number, or which school is which.</summary>
    private static readonly string[] ReviewedAfter = ["placeholder.", "school.", "import."];

    private readonly Dictionary<string, Guid> _seen = [];
    private readonly RequestBudget _budget = new(lease, clock, options.Value.RequestsPerMinute, TimeSpan.FromMinutes(1));
    private IGrainTimer? _timer;
    private AppleSession? _session;
    private byte[]? _sessionOf;
    private bool _working;
    private bool _again;
    private bool _all;
    private bool _now;
    private string? _cursor;
    private long? _cursorOf;
    private DateTimeOffset? _checkedAt;
    private DateTimeOffset? _nextAt;

    /// <summary>Somebody wants a round, and it has not begun.</summary>
    private bool _asked;

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _timer = this.RegisterGrainTimer(
            static (grain, stopping) => grain.Work(stopping), this, new GrainTimerCreationOptions(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task Wake()
    {
        Begin();
        return Task.CompletedTask;
    }

    public Task<bool> SyncNow(bool all)
    {
        if (_working) return Task.FromResult(false);
        (_now, _all) = (true, all);
        Begin();
        return Task.FromResult(true);
    }

    public Task<AutomatedServerLive> Describe() => Task.FromResult(new AutomatedServerLive(_working || _asked, _checkedAt));

    public async Task<AutomatedTokenTaken> TakeToken(AutomatedTokenUpload upload)
    {
        if (await store.Load(Id) is not { } server) return Refused("There is no such server any more.", "NotFound");
        var now = clock.GetUtcNow();
        ServerToken token;
        var key = sealer.Open(AutomatedServer.KeyPurpose(Id), server.SealedKey);
        try
        {
            token = await Task.Run(() => ServerToken.Read(upload.File, key, now));
        }
        catch (ServerTokenException e)
        {
            return Refused(e.Message, e.Problem.ToString());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }

        AutomatedAccount? account = null;
        string? note = null;
        var session = new AppleSession(token);
        try
        {
            lease.Check();
            account = await apple.Account(session, CancellationToken.None);
        }
        catch (AppleServiceException e) when (e.Problem == AutomatedProblem.TermsNotSigned && server.AppleUuid is null)
        {
            // Whose it is, is seen when the terms are accepted.
            note = e.Message;
        }
        catch (AppleServiceException e)
        {
            return e.Problem == AutomatedProblem.Unreachable
                ? new AutomatedTokenTaken($"{e.Message} The token was not stored, since Apple has to say first whose it is.", e.Problem.ToString(), Unavailable: true)
                : Refused(e.Message, e.Problem.ToString());
        }

        if (server.AppleUuid is { } before && account?.Uuid is { } uuid && before != uuid)
        {
            return Refused(
                $"This is the token of another service: \"{account.Name}\" of {account.Organization}. This server is \"{server.AppleName}\" of {server.Organization}. Download the token of that one, or add another server here.",
                server.OrganizationId == account.OrganizationId ? "OtherService" : "OtherOrganization");
        }

        var outcome = await store.SetToken(
            Id, new AutomatedToken(sealer.Seal(AutomatedServer.TokenPurpose(Id), token.ToBytes()), token.ExpiresAt, now, upload.By, account), now);
        if (outcome == AutomatedOutcome.ServiceTaken) return Refused($"Another server here speaks for the service \"{account?.Name}\" already. Upload the token there.", "ServiceTaken");
        if (outcome != AutomatedOutcome.Written) return Refused("There is no such server any more.", "NotFound");
        LogToken(Id, account?.Name, account?.Organization, token.ExpiresAt);
        (_session, _sessionOf, _nextAt, _now) = (null, null, null, true);
        Begin();
        return new AutomatedTokenTaken(null, null, false) { Note = note };
    }

    private static AutomatedTokenTaken Refused(string why, string code) => new(why, code, Unavailable: false);

    private void Begin()
    {
        _asked = true;
        if (_working) _again = true;
        else _timer!.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private async Task Work(CancellationToken stopping)
    {
        if (_working) return;
        _working = true;
        try
        {
            do
            {
                (_again, _asked) = (false, false);
                await Round(stopping);
            }
            while (_again && !stopping.IsCancellationRequested);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Another node goes on.
        }
        catch (Exception e)
        {
            LogFailed(Id, e);
        }
        finally
        {
            _working = false;
        }
    }

    private async Task Round(CancellationToken stopping)
    {
        // 1
        if (await store.Load(Id) is not { SealedToken: not null } server)
        {
            _nextAt = null;
            return;
        }

        var now = clock.GetUtcNow();
        var asked = _now;
        if (!asked && !server.Review && (server.NextAt > now || _nextAt > now)) return;
        if (!asked && server.Failures > 0 && server.NextAt > now) return;
        var (all, list) = (_all, asked || !(server.NextAt > now || _nextAt > now) || server.Fetching);
        (_now, _all) = (false, false);
        try
        {
            if (server.TokenExpiresAt <= now) throw new AppleServiceException(AutomatedProblem.TokenExpired, "The token has ended. Download a new one in Apple School Manager, and upload it here.");
            var session = SessionOf(server);
            // 2
            if (list) await List(session, all, stopping);
            // 3, 4
            await Review(session, stopping);
            // 5
            await Assign(session, stopping);
            // 6
            await Scheduled();
        }
        catch (AppleServiceException e)
        {
            await Failed(e);
        }
        catch (CryptographicException e)
        {
            await Failed(new AppleServiceException(AutomatedProblem.Unreadable, "The token cannot be opened: it was sealed under another master key. Upload it anew.", inner: e));
        }
    }

    private AppleSession SessionOf(AutomatedServer server)
    {
        if (_session is null || _sessionOf is null || !_sessionOf.AsSpan().SequenceEqual(server.SealedToken))
            (_session, _sessionOf) = (new AppleSession(ServerToken.FromBytes(sealer.Open(AutomatedServer.TokenPurpose(Id), server.SealedToken!))), server.SealedToken);
        return _session;
    }

    private async Task List(AppleSession session, bool all, CancellationToken stopping)
    {
        var anew = 0;
        for (var page = 0; page < MostPages; page++)
        {
            if (await store.Load(Id) is not { SealedToken: not null } server) return;
            var now = clock.GetUtcNow();
            var step = SyncPart.Next(server, _cursorOf == server.Revision ? _cursor : server.Cursor, all, now);
            if (page == 0 && step.Fetch && step.Cursor is null) server = await Account(server, session, stopping);
            ApplePage told;
            try
            {
                await _budget.Take(stopping);
                told = await apple.Devices(session, step.Fetch, step.Cursor, server.PageSize, stopping);
            }
            catch (AppleCursorException e) when (e.Fault == CursorFault.Exhausted)
            {
                if (!step.Fetch) return;
                if (step.Cursor is null) throw new AppleServiceException(AutomatedProblem.Unexpected, "Apple says that the whole list was fetched before it was asked for.");
                // All of it had come, and the one who took the last page did not hear that it was the last.
                told = new ApplePage([], step.Cursor, More: false);
            }
            catch (AppleCursorException)
            {
                if (++anew > MostNewLists) throw new AppleServiceException(AutomatedProblem.Unexpected, "Apple does not take the cursors that it gives.");
                LogAnew(Id);
                if (!await store.DropCursor(server, now)) continue;
                (_cursor, _cursorOf) = (null, null);
                continue;
            }

            // A list that was begun in this round is not begun again in it.
            if (step.Fetch) all = false;
            now = clock.GetUtcNow();
            var stands = SyncPart.Stands(step, told);
            var ends = step.Fetch && !told.More;
            if (told.Devices.Count == 0 && !step.Fetch)
            {
                // Nothing new, and nothing to write.
                (_checkedAt, _cursor, _cursorOf) = (now, told.Cursor ?? step.Cursor, server.Revision);
                if (!told.More || stands) return;
                continue;
            }

            var taken = await store.TakePage(server, new AutomatedPage
            {
                Devices = SyncPart.Merge(told.Devices),
                Cursor = told.Cursor ?? step.Cursor,
                Fetching = step.Fetch && told.More,
                Generation = step.Generation,
                EndsFetch = ends,
                // As long as there is more, whoever comes goes on at once.
                NextAt = told.More && !stands ? now : now + Cadence,
                At = now,
            });
            (_cursor, _cursorOf) = (null, null);
            if (!taken) LogOvertaken(Id);
            else _checkedAt = now;
            if (taken && ends) LogFetched(Id, step.Generation);
            if (stands)
            {
                LogStands(Id);
                return;
            }

            if (taken && !told.More) return;
        }
    }

    /// <summary>Once with each list: its name may have changed, and how much Apple allows.</summary>
    private async Task<AutomatedServer> Account(AutomatedServer server, AppleSession session, CancellationToken stopping)
    {
        await _budget.Take(stopping);
        var account = await apple.Account(session, stopping);
        if (account.Uuid is not null && server.AppleUuid is not null && account.Uuid != server.AppleUuid)
            throw new AppleServiceException(AutomatedProblem.AccessDenied, $"The token is of another service now: \"{account.Name}\". Upload the right one.");
        if (account.Name == server.AppleName && account.Organization == server.Organization && account.PageSize == server.PageSize && (account.Uuid is null || server.AppleUuid is not null)) return server;
        // A token that came while terms were not signed did not say whose it is.
        var next = server with { AppleUuid = server.AppleUuid ?? account.Uuid, AppleName = account.Name, Organization = account.Organization, OrganizationId = account.OrganizationId, PageSize = account.PageSize };
        await store.Save(server, next);
        return await store.Load(Id) ?? server;
    }

    private async Task Review(AppleSession session, CancellationToken stopping)
    {
        var looked = await SchoolsChanged();
        if (await store.Load(Id) is not { } server || (!server.Review && looked.Count == 0)) return;
        if (await facts.FindAddress() is not { } address)
        {
            // No node that iPads reach has said where it is yet.
            return;
        }

        var own = 0L;
        var known = (await store.ListDefinitions(Id)).ToDictionary(one => one.ProfileId, StringComparer.Ordinal);
        AppleServiceException? refused = null;
        foreach (var profile in await store.ListWanted(Id))
        {
            var definition = JsonSerializer.Deserialize<EnrolmentDefinition>(profile.Definition, JsonSerializerOptions.Web) ?? new EnrolmentDefinition();
            if (definition.AsksSignIn && address.SignInUrl is null)
            {
                // What Apple has of it stays as it is.
                refused = new AppleServiceException(AutomatedProblem.ProfileRefused, $"The enrolment profile \"{profile.Name}\" asks for a sign-in, and SelfService:PublicUrl is not set. Set it, or let the profile ask for none.");
                continue;
            }

            var wire = definition.ToApple(profile.Name, new Uri(address.Url), address.Anchors, address.SignInUrl is { } page ? new Uri(page) : null);
            var digest = EnrolmentDefinition.DigestOf(wire);
            if (known.GetValueOrDefault(profile.Id)?.Digest == digest) continue;
            try
            {
                await _budget.Take(stopping);
                var uuid = await apple.Define(session, wire, stopping);
                if (await store.Load(Id) is { } latest && await store.SetDefinition(latest, new AutomatedDefinition(profile.Id, digest, uuid), clock.GetUtcNow()))
                {
                    own++;
                    LogDefined(Id, profile.Name, uuid);
                }
            }
            catch (AppleServiceException e) when (e.Problem == AutomatedProblem.Unexpected && e.Word is not null)
            {
                // The others go on.
                refused = new AppleServiceException(AutomatedProblem.ProfileRefused, $"Apple refuses the enrolment profile \"{profile.Name}\": {e.Word}. Change it.", e.Word);
            }
        }

        // Whatever was changed meanwhile is not in what was read: the mark stays for the next round.
        if (await store.Load(Id) is not { } standing || standing.Revision != server.Revision + own) return;
        var now = clock.GetUtcNow();
        if (refused is not null || standing.Problem == AutomatedProblem.ProfileRefused)
        {
            await store.Save(standing, standing with
            {
                Problem = refused?.Problem ?? AutomatedProblem.None,
                ProblemDetail = refused?.Message,
                ProblemAt = refused is null ? null : now,
            });
            if (await store.Load(Id) is not { } saved) return;
            standing = saved;
        }

        if (!await store.Review(standing, now)) return;
        foreach (var (verbs, newest) in looked) _seen[verbs] = newest;
    }

    /// <summary>A placeholder may have got another school since the last look.</summary>
    /// <returns>The newest record of each kind that is news; none: nothing has changed.</returns>
    private async Task<IReadOnlyDictionary<string, Guid>> SchoolsChanged()
    {
        var changed = new Dictionary<string, Guid>();
        foreach (var verbs in ReviewedAfter)
        {
            if (await audit.List(new AuditFilter { Verb = verbs }, null, 1) is not [var newest] || _seen.GetValueOrDefault(verbs) == newest.Id) continue;
            changed[verbs] = newest.Id;
        }

        return changed;
    }

    private async Task Assign(AppleSession session, CancellationToken stopping)
    {
        for (var batch = 0; batch < MostPages; batch++)
        {
            var now = clock.GetUtcNow();
            var orders = await store.ListOrders(Id, now, MostAtOnce);
            if (orders.Count == 0) return;
            var uuid = orders[0].Uuid;
            List<AutomatedOrder> these = [.. orders.TakeWhile(order => order.Uuid == uuid)];
            AppleAssignment assigned;
            try
            {
                await _budget.Take(stopping);
                assigned = await apple.Assign(session, uuid, these.Select(order => order.SerialNumber), stopping);
            }
            catch (AppleServiceException e) when (e.Status == 404 || e.Word?.Contains("PROFILE_NOT_FOUND", StringComparison.OrdinalIgnoreCase) == true)
            {
                // Defined anew in the next round.
                await store.ForgetDefinition(Id, uuid);
                throw new AppleServiceException(AutomatedProblem.Unexpected, "Apple does not know a profile any more that it had taken. It is defined anew.", e.Word);
            }

            now = clock.GetUtcNow();
            List<AutomatedAnswer> answers = [.. these.Select(order => SyncPart.Answer(order, assigned.Results.GetValueOrDefault(order.SerialNumber), assigned.RetryAfter, now, Random.Shared.NextDouble()))];
            await store.TakeAnswers(Id, uuid, answers, now);
            LogAssigned(Id, answers.Count(one => one.State == AutomatedState.Assigned), answers.Count);
        }
    }

    private TimeSpan Cadence => TimeSpan.FromMinutes(options.Value.SyncMinutes);

    private async Task Scheduled()
    {
        if (await store.Load(Id) is not { } server) return;
        var now = clock.GetUtcNow();
        var next = now + Cadence;
        if (await store.NextOrderAt(Id) is { } order && order < next) next = order > now ? order : now;
        _nextAt = next;
        // After a failure, and now and then, so that people and other nodes see it.
        if (server.Failures > 0 || server.Problem is not (AutomatedProblem.None or AutomatedProblem.ProfileRefused) || server.NextAt is null || server.NextAt > next || !(server.SyncedAt > now - WriteEvery))
        {
            await store.Save(server, server with
            {
                Cursor = _cursorOf == server.Revision ? _cursor : server.Cursor,
                SyncedAt = _checkedAt ?? server.SyncedAt,
                NextAt = next,
                Failures = 0,
                Problem = server.Problem == AutomatedProblem.ProfileRefused ? server.Problem : AutomatedProblem.None,
                ProblemDetail = server.Problem == AutomatedProblem.ProfileRefused ? server.ProblemDetail : null,
                ProblemAt = server.Problem == AutomatedProblem.ProfileRefused ? server.ProblemAt : null,
            });
            (_cursor, _cursorOf) = (null, null);
        }
    }

    private async Task Failed(AppleServiceException failure)
    {
        if (await store.Load(Id) is not { } server) return;
        var now = clock.GetUtcNow();
        var failures = Math.Min(server.Failures + 1, 1_000);
        var next = now + SyncPart.Pause(failure.Problem, failures, failure.RetryAfter, Random.Shared.NextDouble());
        await store.Save(server, server with
        {
            Failures = failures,
            NextAt = next,
            Problem = failure.Problem,
            ProblemDetail = failure.Message,
            ProblemAt = server.Problem == failure.Problem ? server.ProblemAt ?? now : now,
        });
        (_nextAt, _cursor, _cursorOf) = (next, null, null);
        // Once for each trouble.
        if (server.Problem != failure.Problem) LogProblem(Id, failure.Problem, failure.Message);
    }

    [LoggerMessage(2570, LogLevel.Information, "Automated enrolment, server {Id}: a token of \"{Service}\" of {Organization} is used, good until {ExpiresAt:yyyy-MM-dd}")]
    private partial void LogToken(string id, string? service, string? organization, DateTimeOffset expiresAt);

    [LoggerMessage(2571, LogLevel.Warning, "Automated enrolment, server {Id}: {Problem}. {Detail}")]
    private partial void LogProblem(string id, AutomatedProblem problem, string detail);

    [LoggerMessage(2572, LogLevel.Information, "Automated enrolment, server {Id}: the whole list of iPads is here (number {Generation})")]
    private partial void LogFetched(string id, long generation);

    [LoggerMessage(2573, LogLevel.Warning, "Automated enrolment, server {Id}: Apple takes the place in the list no more. The whole list is fetched anew")]
    private partial void LogAnew(string id);

    [LoggerMessage(2574, LogLevel.Information, "Automated enrolment, server {Id}: Apple says that more follows and stays at the same place. It is asked again with the next turn")]
    private partial void LogStands(string id);

    [LoggerMessage(2575, LogLevel.Information, "Automated enrolment, server {Id}: somebody else has written in between. The page is looked at anew")]
    private partial void LogOvertaken(string id);

    [LoggerMessage(2576, LogLevel.Information, "Automated enrolment, server {Id}: the profile \"{Profile}\" is defined at Apple as {Uuid}")]
    private partial void LogDefined(string id, string profile, string uuid);

    [LoggerMessage(2577, LogLevel.Information, "Automated enrolment, server {Id}: profiles assigned to {Assigned} of {Count} iPads")]
    private partial void LogAssigned(string id, int assigned, int count);

    [LoggerMessage(2578, LogLevel.Warning, "Automated enrolment, server {Id}: a round failed; it is tried again in a minute")]
    private partial void LogFailed(string id, Exception exception);
}
