using System.Security.Cryptography;
using System.Text;
using FleetMdm.Grains.Audit;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Outside;
using FleetMdm.Protocol.AppsAndBooks;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.AppsAndBooks;

// A round:
//
//   1. due       by the row, or since somebody asks, or assignments have changed
//   2. config    how much Apple takes at a time; whose the location is, and until when the token is good
//   3. lost      what was asked for by somebody who did not hear the answer: Apple's list tells
//   4. events    what became of what was asked for
//   5. sync      what the location owns, what it is called, who has it
//   6. review    when assignments of its apps have changed, and after each sync: which licences are wanted, and which are not any more. A few statements for all iPads
//   7. work      take back first, then give; never more than there are
//   8. next      when it goes on; after a failure with a pause that grows
//
// 3, 4 and 7 are only for a location that this server has claimed. All of it is in the store: this grain may be lost at any moment.

/// <inheritdoc cref="IContentLocationGrain"/>
/// <remarks>
/// Threads: one round at a time, beside the calls. Before each request the node's lease is looked at, and what the grain writes is guarded by the row's revision or by states, so two activations
/// (a node that was paused) cannot undo each other's work.
/// </remarks>
[GrainType("content-location")]
internal sealed partial class ContentLocationGrain(
    IContentSyncStore store, ContentService apple, ContentMetrics metrics, SecretSealer sealer, NodeLease lease, IOptions<AppsAndBooksOptions> options, TimeProvider clock,
    ILogger<ContentLocationGrain> logger) : Grain, IContentLocationGrain
{
    /// <summary>Apple's limits may change at any time.</summary>
    private static readonly TimeSpan ConfigEvery = TimeSpan.FromMinutes(5);

    /// <summary>After a round that broke down for another reason than Apple.</summary>
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);

    /// <summary>What waits longer is found by the sweep.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMinutes(2);

    /// <summary>Apple tells of one thing in many notifications: the first ones wait for those that follow.</summary>
    private static readonly TimeSpan NewsWait = TimeSpan.FromSeconds(1);

    /// <summary>However many notifications come, Apple is asked because of them no more often.</summary>
    private static readonly TimeSpan NewsEvery = TimeSpan.FromSeconds(5);

    /// <summary>Nor is all that the location owns read more often because of them.</summary>
    private static readonly TimeSpan EverythingEvery = TimeSpan.FromMinutes(1);

    /// <summary>A thousand newcomers each want theirs looked at: so they are, together.</summary>
    private static readonly TimeSpan ReviewEvery = TimeSpan.FromSeconds(2);

    private const int MostPages = 2_000;
    private const int MostBatches = 200;

    private readonly RequestBudget _budget = new(lease, clock, options.Value.RequestsPerSecond, TimeSpan.FromSeconds(1));
    private IGrainTimer? _timer;
    private ContentLimits? _limits;
    private long _limitsAt;
    private bool _working;
    private bool _again;
    private bool _asked;
    private bool _now;
    private bool _nowOfRound;
    private bool _review;
    private DateTimeOffset? _reviewedAt;
    private bool _paused;
    private ContentNews _news = new();
    private DateTimeOffset? _newsAt;
    private bool _everything;
    private DateTimeOffset? _armedFor;
    private DateTimeOffset? _configAt;

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _timer = this.RegisterGrainTimer(
            static (grain, stopping) => grain.Work(stopping), this, new GrainTimerCreationOptions(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task Wake()
    {
        _review = true;
        if (_working) return Task.CompletedTask;
        _asked = true;
        ArmForReview();
        return Task.CompletedTask;
    }

    public Task<bool> SyncNow()
    {
        // What is asked for while a round is under way is for the next one.
        _now = true;
        var begins = !_working;
        Begin();
        return Task.FromResult(begins);
    }

    public Task Notified(ContentNotice notice)
    {
        // What it is about is asked of Apple: a notification may be late, or not be Apple's. Of its own requests, what became of many is known already.
        if (notice.EventId is not { } happening || !_settled.Contains(happening)) _news.Add(notice);
        if (!_working) ArmForNews();
        return Task.CompletedTask;
    }

    public Task<ContentLocationLive> Describe() => Task.FromResult(new ContentLocationLive(_working || _asked));

    public async Task<ContentTokenTaken> TakeToken(ContentTokenMessage upload)
    {
        var now = clock.GetUtcNow();
        ContentToken token;
        ContentConfig config;
        try
        {
            token = ContentToken.Read(upload.Text, now);
            await _budget.Take(CancellationToken.None);
            config = await apple.Config(token.Text, CancellationToken.None);
        }
        catch (ContentTokenException e)
        {
            return new ContentTokenTaken(null, e.Message, false);
        }
        catch (ContentException e)
        {
            return e.Problem is ContentProblem.Unreachable or ContentProblem.Throttled
                ? new ContentTokenTaken(null, $"{e.Message} The token was not stored, since Apple has to say first whose it is.", Unavailable: true)
                : new ContentTokenTaken(null, e.Message, false);
        }

        var kept = ContentToken.ToBytes(token.Text);
        try
        {
            var audit = Records.OfCaller(now, AuditVerbs.ContentToken, AuditTargets.ContentLocation, Id, detail: $"{config.Name}, until {config.TokenExpiresAt ?? token.ExpiresAt:yyyy-MM-dd}");
            var (outcome, id) = await store.TakeToken(
                Id, new ContentTokenUpload(of => sealer.Seal(ContentLocation.TokenPurpose(of), kept), token.ExpiresAt, token.Organization, upload.By, config, audit), now);
            switch (outcome)
            {
                case ContentOutcome.OlderToken:
                    return new ContentTokenTaken(id, $"This is an older token of \"{config.Name}\": the one that is used ends later. It stays.", false);
                case ContentOutcome.TooMany:
                    return new ContentTokenTaken(null, $"There may be {IContentStore.MostLocations} locations. Remove one that is not used.", false);
                default:
                    LogToken(id, config.Name, token.Organization, config.TokenExpiresAt ?? token.ExpiresAt);
                    await GrainFactory.GetGrain<IContentLocationGrain>(id).Wake();
                    return new ContentTokenTaken(id, null, false);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(kept);
        }
    }

    public async Task<ContentClaimed> Claim(ContentClaim claim)
    {
        if (await store.Load(Id) is not { } location) return new ContentClaimed("There is no such location any more.", false, null, false);
        try
        {
            var token = TokenOf(location);
            await _budget.Take(CancellationToken.None);
            var before = await apple.Config(token, CancellationToken.None);
            if (before.Uid != location.Uid) return new ContentClaimed("Apple says that the token is of another location. Upload the right one.", false, null, false);
            if (!claim.TakeOver && before.MdmId is { } other && other != location.OwnMdmId)
                return new ContentClaimed($"\"{before.MdmName ?? other}\" has claimed this location. Two servers with one location take licences from each other. Take it over only when that server uses it no more.", false, before.MdmName ?? other, false);

            // The part of the address that nobody can guess, and what Apple sends besides.
            (string Url, string Secret, byte[] Hash)? notify = null;
            if (claim.NotifyUrl is { } url)
            {
                var place = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
                notify = ($"{url}/{place}", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)), SHA256.HashData(Encoding.ASCII.GetBytes(place)));
                // Apple sends a test while it is asked. Until it has agreed, what it was told before counts too.
                await store.OfferNotify(Id, Seal(notify.Value.Secret), notify.Value.Hash);
            }

            ContentConfig config;
            try
            {
                await _budget.Take(CancellationToken.None);
                config = await apple.Claim(token, location.OwnMdmId, "FleetMdm", location.Id, notify is var (address, secret, _) ? (address, secret) : null, CancellationToken.None);
            }
            catch (ContentException e) when (notify is not null && e.Number is >= 9710 and <= 9713 or 9728)
            {
                // Apple does not reach this server: then Apple is asked, which takes a little longer.
                LogNotReached(Id, e.Message);
                notify = null;
                await _budget.Take(CancellationToken.None);
                config = await apple.Claim(token, location.OwnMdmId, "FleetMdm", location.Id, null, CancellationToken.None);
            }

            if (!await store.SetClaim(Id, config with { MdmId = config.MdmId ?? location.OwnMdmId }, clock.GetUtcNow(), claim.By, notify is { } known ? Seal(known.Secret) : null, notify?.Hash))
                return new ContentClaimed("There is no such location any more.", false, null, false);
            LogClaimed(Id, location.Name, claim.By, before.MdmName);
            (_configAt, _review) = (null, true);
            Begin();
            return new ContentClaimed(null, false, null, notify is not null);
        }
        catch (ContentException e)
        {
            return new ContentClaimed(e.Message, e.Problem is ContentProblem.Unreachable or ContentProblem.Throttled, null, false);
        }
        catch (CryptographicException)
        {
            return new ContentClaimed(UnreadableWords, false, null, false);
        }
    }

    private const string UnreadableWords = "The token cannot be opened: it was sealed under another master key. Upload it anew.";

    private byte[] Seal(string secret) => sealer.Seal(ContentLocation.NotifyPurpose(Id), Encoding.ASCII.GetBytes(secret));

    private string TokenOf(ContentLocation location) => ContentToken.FromBytes(sealer.Open(ContentLocation.TokenPurpose(location.Id), location.SealedToken));

    private void Begin()
    {
        _asked = true;
        if (_working) _again = true;
        else Arm(clock.GetUtcNow());
    }

    /// <summary>One shot: the earliest counts.</summary>
    private void Arm(DateTimeOffset at)
    {
        if (_armedFor <= at) return;
        _armedFor = at;
        var wait = at - clock.GetUtcNow();
        _timer!.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private void ArmForReview()
    {
        if (!_review) return;
        var (now, after) = (clock.GetUtcNow(), (_reviewedAt ?? DateTimeOffset.MinValue) + ReviewEvery);
        // A clock that was put back holds up nobody.
        Arm(after > now && after <= now + ReviewEvery ? after : now);
    }

    /// <summary>During a pause after a failure news waits as everything does.</summary>
    private void ArmForNews()
    {
        if (_news.IsEmpty || _paused) return;
        var (soon, after) = (clock.GetUtcNow() + NewsWait, (_newsAt ?? DateTimeOffset.MinValue) + NewsEvery);
        Arm(soon > after ? soon : after);
    }

    private async Task Work(CancellationToken stopping)
    {
        _armedFor = null;
        if (_working) return;
        _working = true;
        var broke = false;
        DateTimeOffset? next = null;
        try
        {
            do
            {
                (_again, _asked) = (false, false);
                next = await Round(stopping);
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
            // What was asked for is not done.
            _now |= _nowOfRound;
            broke = _paused = true;
            next = clock.GetUtcNow() + AfterFailure;
        }
        finally
        {
            _working = false;
        }

        // One shot, after the work. What waits longer is the sweep's.
        if (stopping.IsCancellationRequested) return;
        var now = clock.GetUtcNow();
        if (next is { } at && at - now < LongestTimer) Arm(at > now ? at : now + TimeSpan.FromSeconds(1));
        if (!broke) ArmForReview();
        ArmForNews();
    }

    /// <summary>Works out who wants a licence, and has those woken whose licence came back to them.</summary>
    private async Task Reviewed()
    {
        (_review, _reviewedAt) = (false, clock.GetUtcNow());
        if (await store.Review(Id, clock.GetUtcNow()) > 0) await GrainFactory.GetGrain<IPlanGrain>(0).Changed();
    }

    /// <returns>When it goes on; null: not by itself.</returns>
    private async Task<DateTimeOffset?> Round(CancellationToken stopping)
    {
        // 1
        if (await store.Load(Id) is not { } location)
        {
            (_review, _news) = (false, new ContentNews());
            return null;
        }

        var all = _now;
        (_now, _nowOfRound) = (false, all);
        _paused = location.Failures > 0 && location.NextAt > clock.GetUtcNow() && !all;
        if (_paused && location.NextAt is { } later)
        {
            // Whoever waits sees why.
            if (_review || location.Touched) await Reviewed();
            if (IsForPeople(location.Problem)) await RefuseAll(location.ProblemDetail ?? "", later);
            return later;
        }

        var news = _news;
        if (!news.IsEmpty) (_news, _newsAt) = (new ContentNews(), clock.GetUtcNow());
        var heard = false;
        try
        {
            var token = TokenOf(location);
            try
            {
                var next = await Round(location, token, all, news, stopping);
                heard = true;
                return next;
            }
            catch (ContentException e) when (e.Problem is ContentProblem.TokenInvalid or ContentProblem.TokenRevoked or ContentProblem.TokenExpired)
            {
                // Another node may have taken a newer one in the meantime.
                if (await store.Load(Id) is not { } latest || latest.SealedToken.AsSpan().SequenceEqual(location.SealedToken)) throw;
                var next = await Round(latest, TokenOf(latest), all, news, stopping);
                heard = true;
                return next;
            }
        }
        catch (ContentException e)
        {
            return await Failed(e);
        }
        catch (CryptographicException e)
        {
            return await Failed(new ContentException(ContentProblem.Unreadable, UnreadableWords, inner: e));
        }
        finally
        {
            // What it did not get to is for the next one.
            if (!heard && news != _news) _news.Add(news);
        }
    }

    private async Task<DateTimeOffset?> Round(ContentLocation location, string token, bool all, ContentNews news, CancellationToken stopping)
    {
        var began = clock.GetUtcNow();
        if (location.TokenExpiresAt <= began) throw new ContentException(ContentProblem.TokenExpired, "The content token has ended. Download a new one in Apple School Manager, and upload it here.");
        // 2
        var standing = await Config(location, token, all, stopping);
        var open = standing.IsOurs && !news.IsEmpty ? await store.ListEvents(Id) : [];
        var heard = news.Sort(open.Select(one => one.EventId).ToHashSet(StringComparer.Ordinal));
        if (standing.IsOurs)
        {
            // 3
            await Lost(token, stopping);
            // 4
            await Events(token, heard.Events, stopping);
        }

        // 5
        var synced = false;
        _everything |= heard.Everything;
        if (heard.Taken) standing = await ReadWholeNext(standing);
        var age = began - standing.AssetsAt;
        if (all || age is null || age >= Cadence || age < TimeSpan.Zero || (_everything && age >= EverythingEvery))
        {
            standing = await Sync(standing, token, all, began, stopping);
            (_everything, synced) = (false, true);
        }
        else
        {
            standing = await Hear(standing, heard, token, began, stopping);
        }

        // 6
        if (_review || location.Touched || synced) await Reviewed();
        // Somebody wants it now, or what stood in the way of all is over.
        if ((all || location.Problem != ContentProblem.None) && standing.IsOurs) await store.Retry(Id, all: true, clock.GetUtcNow());
        // 7
        if (standing.IsOurs) await Licences(token, stopping);
        else await RefuseAll(NotOurs(standing), clock.GetUtcNow() + Cadence);
        // 8
        var next = await Scheduled(standing);
        return _everything && standing.AssetsAt + EverythingEvery < next ? standing.AssetsAt + EverythingEvery : next;
    }

    private static string NotOurs(ContentLocation location) => location.ClaimedAt is null
        ? $"The location \"{location.Name}\" is not claimed for this server yet. An administrator does that under Apps and Books."
        : $"\"{location.MdmName ?? location.MdmId ?? "nobody"}\" manages the location \"{location.Name}\" at Apple now. An administrator can claim it again under Apps and Books.";

    private async Task<ContentLocation> Config(ContentLocation location, string token, bool anew, CancellationToken stopping)
    {
        if (_limits is null || clock.GetElapsedTime(_limitsAt) >= ConfigEvery)
        {
            await _budget.Take(stopping);
            (_limits, _limitsAt) = (await apple.Limits(stopping), clock.GetTimestamp());
        }

        var now = clock.GetUtcNow();
        if (!anew && _configAt is { } at && now - at < ConfigEvery && now >= at) return location;
        await _budget.Take(stopping);
        var config = await apple.Config(token, stopping);
        if (config.Uid != location.Uid) throw new ContentException(ContentProblem.TokenInvalid, $"The token is of another location now: \"{config.Name}\". Upload the right one.");
        _configAt = now;
        var ends = config.TokenExpiresAt ?? location.TokenExpiresAt;
        var warning = LicencePart.Warning(ends, location.WarnedDays, now);
        if (warning is { } days)
        {
            metrics.Warned.Add(1);
            LogEnds(Id, location.Name, days, ends);
        }

        var next = location with { Name = config.Name, Country = config.Country ?? location.Country, MdmId = config.MdmId, MdmName = config.MdmName, TokenExpiresAt = ends, WarnedDays = warning ?? location.WarnedDays };
        if (location.IsOurs && !next.IsOurs) LogLostClaim(Id, location.Name, config.MdmName);
        if (next == location) return location;
        await store.Save(location, next);
        return await store.Load(Id) ?? next;
    }

    private TimeSpan Cadence => TimeSpan.FromMinutes(options.Value.SyncMinutes);

    private async Task<DateTimeOffset?> Scheduled(ContentLocation standing)
    {
        if (await store.Load(Id) is not { } location) return null;
        var now = clock.GetUtcNow();
        var next = (standing.AssetsAt ?? now) + Cadence;
        if (standing.IsOurs && await store.NextWorkAt(Id) is { } work && work < next) next = work;
        if (next < now) next = now;
        var claim = location.ClaimedAt is not null && !location.IsOurs;
        var problem = claim ? ContentProblem.ClaimedByAnother : ContentProblem.None;
        if (location.NextAt == next && location.Failures == 0 && location.Problem == problem) return next;
        if (problem == ContentProblem.None && location.Problem != ContentProblem.None) LogWell(Id, location.Name);
        await store.Save(location, location with
        {
            NextAt = next,
            Failures = 0,
            Problem = problem,
            ProblemDetail = claim ? NotOurs(location) : null,
            ProblemAt = claim ? location.Problem == problem ? location.ProblemAt : now : null,
        });
        return next;
    }

    private async Task<DateTimeOffset?> Failed(ContentException failure)
    {
        metrics.Failed.Add(1);
        _paused = true;
        if (await store.Load(Id) is not { } location) return null;
        var now = clock.GetUtcNow();
        var failures = Math.Min(location.Failures + 1, 1_000);
        var next = now + LicencePart.Pause(failure.Problem, failures, failure.RetryAfter, Random.Shared.NextDouble());
        await store.Save(location, location with
        {
            Failures = failures,
            NextAt = next,
            Problem = failure.Problem,
            ProblemDetail = failure.Message,
            ProblemAt = location.Problem == failure.Problem ? location.ProblemAt ?? now : now,
        });
        _configAt = null;
        if (IsForPeople(failure.Problem))
        {
            await Reviewed();
            await RefuseAll(failure.Message, next);
        }

        // Once for each trouble.
        if (location.Problem != failure.Problem) LogProblem(Id, location.Name, failure.Problem, failure.Message);
        return next;
    }

    private static bool IsForPeople(ContentProblem problem) => problem is not (ContentProblem.None or ContentProblem.Unreachable or ContentProblem.Throttled or ContentProblem.Unexpected);

    [LoggerMessage(2600, LogLevel.Information, "Apps and Books, location {Id}: a content token of \"{Location}\" of {Organization} is used, good until {ExpiresAt:yyyy-MM-dd}")]
    private partial void LogToken(string id, string location, string? organization, DateTimeOffset expiresAt);

    [LoggerMessage(2601, LogLevel.Warning, "Apps and Books, location {Id} ({Location}): {Problem}. {Detail}")]
    private partial void LogProblem(string id, string location, ContentProblem problem, string detail);

    [LoggerMessage(2602, LogLevel.Information, "Apps and Books, location {Id} ({Location}): it works again")]
    private partial void LogWell(string id, string location);

    [LoggerMessage(2603, LogLevel.Warning, "Apps and Books, location {Id} ({Location}): its content token ends within {Days} days, on {ExpiresAt:yyyy-MM-dd}. Download a new one in Apple School Manager")]
    private partial void LogEnds(string id, string location, int days, DateTimeOffset expiresAt);

    [LoggerMessage(2604, LogLevel.Information, "Apps and Books, location {Id} ({Location}): claimed for this server by {By}; before, it was claimed by {Before}")]
    private partial void LogClaimed(string id, string location, string by, string? before);

    [LoggerMessage(2605, LogLevel.Warning, "Apps and Books, location {Id} ({Location}): \"{Other}\" has claimed it at Apple. Nothing is written until an administrator claims it again")]
    private partial void LogLostClaim(string id, string location, string? other);

    [LoggerMessage(2606, LogLevel.Information, "Apps and Books, location {Id}: Apple does not reach this server for notifications ({Why}). It is asked instead")]
    private partial void LogNotReached(string id, string why);

    [LoggerMessage(2612, LogLevel.Warning, "Apps and Books, location {Id}: a round failed; it is tried again in a minute")]
    private partial void LogFailed(string id, Exception exception);
}
