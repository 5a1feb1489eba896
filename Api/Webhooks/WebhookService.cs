using System.Globalization;
using System.Net;
using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Secrets;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Webhooks;

/// <summary>Webhooks, for REST and for the console.</summary>
internal sealed class WebhookService(IWebhookStore store, IGrainFactory grains, SecretSealer sealer, AuditTrail trail, IOptions<WebhookOptions> options, TimeProvider time)
{
    private const int LongestUrl = 2000;
    private const int MostEvents = 50;
    private const int SecretBytes = 32;
    private const int MostOverlapHours = 168;
    private const int UsualOverlapHours = 24;
    private const int MostAgain = 10_000;

    public async Task<IReadOnlyList<WebhookView>> List() => [.. (await store.List()).Select(WebhookView.Of)];

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<WebhookView> Get(string id) => WebhookView.Of(await Standing(id));

    public async Task<WebhookMade> Create(HttpContext context, WebhookRequest request)
    {
        var user = FleetUser.Of(context);
        var now = time.GetUtcNow();
        var id = RequestIds.NewGuid(context, "webhook").ToString("D");
        var secret = NewSecret(context);
        var webhook = Read(user, request) with { Id = id, Version = 1, Secret = Seal(id, secret), CreatedAt = now, CreatedBy = user.Name, UpdatedAt = now };
        if (await store.Create(webhook, Entry(context, AuditVerbs.WebhookCreate, webhook)) == WebhookOutcome.TooMany)
            throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many webhooks", $"There can be {IWebhookStore.MostWebhooks} webhooks. Delete one first.");
        await Changed();
        return new WebhookMade(await Get(id), secret);
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    public Task<WebhookView> Change(HttpContext context, string id, int? basedOn, WebhookRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var standing = await Load(id);
        var read = Read(FleetUser.Of(context), request);
        return await Write(context, AuditVerbs.WebhookChange, standing, basedOn, standing with { Name = read.Name, Url = read.Url, Events = read.Events, Format = read.Format });
    });

    public Task<WebhookView> Pause(HttpContext context, string id) => EntityTag.Attempt(null, async () =>
    {
        var standing = await Load(id);
        return standing.State != WebhookState.Active ? await Get(id) : await Write(context, AuditVerbs.WebhookPause, standing, null, standing with { State = WebhookState.Paused });
    });

    /// <summary>Also one that was disabled.</summary>
    public Task<WebhookView> GoOn(HttpContext context, string id) => EntityTag.Attempt(null, async () =>
    {
        var standing = await Load(id);
        return standing.State == WebhookState.Active
            ? await Get(id)
            : await Write(context, AuditVerbs.WebhookGoOn, standing, null, standing with { State = WebhookState.Active, StateReason = null });
    });

    public Task<WebhookMade> Rotate(HttpContext context, string id, WebhookRotateRequest request) => EntityTag.Attempt(null, async () =>
    {
        var hours = Text.Number("overlapHours", request.OverlapHours ?? UsualOverlapHours, 0, MostOverlapHours);
        var standing = await Load(id);
        var secret = NewSecret(context);
        // The same request once more.
        if (Encoding.UTF8.GetString(sealer.Open(Webhook.SecretPurpose(standing.Id), standing.Secret)) == secret) return new WebhookMade(await Get(id), secret);
        var now = time.GetUtcNow();
        return new WebhookMade(await Write(context, AuditVerbs.WebhookRotate, standing, null, standing with
        {
            Secret = Seal(standing.Id, secret),
            OldSecret = hours == 0 ? null : standing.Secret,
            OldSecretUntil = hours == 0 ? null : now.AddHours(hours),
        }), secret);
    });

    public async Task Delete(HttpContext context, string id)
    {
        var standing = await Load(id);
        if (!await store.Delete(standing.Id, Entry(context, AuditVerbs.WebhookDelete, standing))) throw NotFound();
        await Changed();
    }

    /// <summary>Whatever state it is in, as far as it sends.</summary>
    public async Task<WebhookDeliveryView> Test(HttpContext context, string id)
    {
        var webhook = await Load(id);
        if (webhook.State != WebhookState.Active)
            throw ApiProblem.Conflict(ProblemCodes.NotActive, "The webhook is not active", "It sends nothing now. Let it go on first.");
        var now = time.GetUtcNow();
        var happened = new WebhookEvent
        {
            Id = RequestIds.NewOrderedGuid(context, "webhook-test", time),
            At = now,
            Kind = WebhookKinds.Test,
            DeviceId = "",
            Data = """{"message":"This is a test. Nothing has happened."}""",
        };
        await trail.Record(context, AuditVerbs.WebhookTest, AuditTargets.Webhook, webhook.Id, detail: webhook.Name);
        var delivery = await store.Add(webhook.Id, happened, now) ?? throw NotFound();
        await grains.GetGrain<IWebhookGrain>(webhook.Id).Wake();
        return WebhookDeliveryView.Of(delivery);
    }

    public async Task<Page<WebhookDeliveryView>> Deliveries(string id, string? state, string? after, int limit)
    {
        var webhook = await Load(id);
        var rows = await store.ListDeliveries(webhook.Id, Text.Name<WebhookDeliveryState>("state", state), after is null ? null : Number(after), limit + 1);
        return Page.Of(rows, limit, WebhookDeliveryView.Of, row => row.Sequence.ToString(CultureInfo.InvariantCulture));

        static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw ApiProblem.InvalidCursor();
    }

    /// <param name="delivery">One; null: all that were given up.</param>
    public async Task<WebhookResent> SendAgain(HttpContext context, string id, string? delivery)
    {
        var webhook = await Load(id);
        long? one = delivery is null ? null : long.TryParse(delivery, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw NoDelivery();
        var count = await store.SendAgain(webhook.Id, one, MostAgain, time.GetUtcNow(), Entry(context, AuditVerbs.WebhookResend, webhook));
        if (count == 0 && one is not null) throw NoDelivery();
        await grains.GetGrain<IWebhookGrain>(webhook.Id).Wake();
        return new WebhookResent(count);
    }

    private async Task<WebhookView> Write(HttpContext context, string verb, Webhook standing, int? basedOn, Webhook changed)
    {
        changed = changed with { Version = (basedOn ?? standing.Version) + 1, UpdatedAt = time.GetUtcNow() };
        switch (await store.Change(changed, Entry(context, verb, changed)))
        {
            case WebhookOutcome.NotFound:
                throw NotFound();
            case WebhookOutcome.VersionConflict:
                throw EntityTag.Changed("the webhook");
            default:
                await Changed();
                return await Get(changed.Id);
        }
    }

    private Task Changed() => grains.GetGrain<IWebhookDispatchGrain>(0).Changed();

    private AuditRecord Entry(HttpContext context, string verb, Webhook webhook) =>
        trail.Entry(context, verb, AuditTargets.Webhook, webhook.Id, detail: Text.Printable($"{webhook.Name}: {new Uri(webhook.Url).GetLeftPart(UriPartial.Authority)}", 200));

    private Webhook Read(FleetUser user, WebhookRequest request)
    {
        var format = request.Format switch
        {
            null or "standard" => WebhookFormat.Standard,
            "micromdm" => WebhookFormat.MicroMdm,
            _ => throw ApiProblem.Field("format", "It must be standard or micromdm."),
        };
        if (request.Events.Count is 0 or > MostEvents) throw ApiProblem.Field("events", $"Name 1 to {MostEvents} types of events, but not {request.Events.Count}.");
        var events = request.Events.Select((one, i) => Event($"events[{i}]", one?.Trim() ?? "", format)).Distinct(StringComparer.Ordinal).ToList();
        // Whoever hears of it elsewhere reads it.
        if (events.Exists(one => one.StartsWith(WebhookKinds.Audit, StringComparison.Ordinal))) user.Require(Rights.AuditRead);
        return new Webhook { Id = "", Name = Text.Required("name", request.Name).Trim(), Url = Url(request.Url), Events = events, Format = format, Secret = [], CreatedBy = "" };
    }

    private static string Event(string field, string name, WebhookFormat format)
    {
        var ofAudit = name.StartsWith(WebhookKinds.Audit, StringComparison.Ordinal);
        if (ofAudit && format == WebhookFormat.MicroMdm) throw ApiProblem.Field(field, "MicroMDM has no events of the audit. Use the format standard.");
        var known = ofAudit
            ? name == WebhookKinds.Audit || WebhookKinds.Wants([name], WebhookKinds.Audit) || AuditVerbs.All.Any(verb => WebhookKinds.Wants([name], WebhookKinds.Audit + verb))
            : WebhookKinds.OfDevices.Any(kind => WebhookKinds.Wants([name], kind));
        return known ? name : throw ApiProblem.Field(field, $"There is no type of event {Text.Printable(name, 100)}. There are {string.Join(", ", WebhookKinds.OfDevices)}, device., audit. and audit. with a verb.");
    }

    private string Url(string text)
    {
        var url = Text.Required("url", text, LongestUrl).Trim();
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http") || uri.Host.Length == 0)
            throw ApiProblem.Field("url", "Enter an address as in https://hooks.district.example/fleet.");
        if (uri.UserInfo.Length > 0) throw ApiProblem.Field("url", "It must not hold a user name or password. Events are signed: the receiver knows them by that.");
        if (uri.Fragment.Length > 0) throw ApiProblem.Field("url", "It must not hold a #.");
        var https = uri.Scheme == "https";
        if (!https && !options.Value.AllowHttp) throw ApiProblem.Field("url", "It must begin with https://. The option Webhooks:AllowHttp allows http to private addresses.");
        // A name is looked at when it is connected to: what it leads to may change.
        if (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && WebhookAddress.Refuse(address, https, options.Value) is { } why) throw ApiProblem.Field("url", why);
        return uri.AbsoluteUri;
    }

    private static string NewSecret(HttpContext context) => "whsec_" + Convert.ToBase64String(RequestIds.NewBytes(context, "webhook-secret", SecretBytes));

    private byte[] Seal(string id, string secret) => sealer.Seal(Webhook.SecretPurpose(id), Encoding.UTF8.GetBytes(secret));

    /// <summary>Without how it is, which costs a look at all that waits.</summary>
    private async Task<Webhook> Load(string id) => Text.Uuid(id) is { } uuid && await store.Load(uuid.ToString("D")) is { } found ? found : throw NotFound();

    private async Task<WebhookStanding> Standing(string id) => Text.Uuid(id) is { } uuid && await store.Find(uuid.ToString("D")) is { } found ? found : throw NotFound();

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such webhook.");

    private static ApiProblem NoDelivery() => ApiProblem.NotFound("There is no such event of this webhook that has ended.");
}
