using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>
/// The paths of the service, checked in this order: who it is (User-Agent, session), what a fault says, what is asked. Bodies of errors are bare words.
/// <see href="https://developer.apple.com/documentation/devicemanagement/device-assignment"/>
/// </summary>
internal sealed class DeviceEnrolmentEndpoint(DeviceEnrolmentOptions options, SchoolManagerPortal portal, DeviceEnrolmentFaults faults, Action<DeviceEnrolmentRequest> log)
{
    private const string SessionHeader = "X-ADM-Auth-Session";
    private const string VersionHeader = "X-Server-Protocol-Version";
    private const int DefaultLimit = 100;
    private const int LongestCursor = 1000;

    private static readonly TimeSpan CursorLasts = TimeSpan.FromDays(7);
    private static readonly TimeSpan Throttled = TimeSpan.FromHours(24);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>What <c>GET /account</c> lists; those without a list have no limit there.</summary>
    private static readonly (string Uri, string[] Methods, bool HasLimit)[] Urls =
    [
        ("/session", ["GET"], false), ("/account", ["GET"], false), ("/server/devices", ["POST"], true), ("/devices/sync", ["POST"], true), ("/devices", ["POST"], false),
        ("/profile", ["POST", "GET"], false), ("/profile/devices", ["POST", "DELETE"], false),
    ];

    private static readonly (string Key, int Longest, string Word)[] Lengths =
    [
        ("org_magic", 256, "MAGIC_INVALID"), ("department", 125, "DEPARTMENT_INVALID"), ("support_phone_number", 50, "SUPPORT_PHONE_INVALID"),
        ("support_email_address", 250, "SUPPORT_EMAIL_INVALID"),
    ];

    private static readonly string[] Flags =
        ["is_supervised", "is_mandatory", "is_mdm_removable", "allow_pairing", "await_device_configured", "is_multi_user", "auto_advance_setup", "is_return_to_service", "do_not_use_profile_from_backup"];

    private readonly OAuthJudge _oauth = new(options.Time);
    private readonly Dictionary<string, DeviceCursor> _cursors = new(StringComparer.Ordinal);

    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public async Task Handle(HttpContext context)
    {
        var request = context.Request;
        var path = request.Path.Value ?? "";
        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        // Counted from here on, also while it hangs.
        var server = ServerOf(request);
        if (server is not null) Count(server, 1);
        Reply reply;
        var fault = faults.Choose(path);
        try
        {
            if (faults.Delay > TimeSpan.Zero) await Task.Delay(faults.Delay, options.Time, context.RequestAborted);
            if (fault is DeviceEnrolmentFault.Hang) await faults.Held.WaitAsync(context.RequestAborted);
            if (fault is DeviceEnrolmentFault.Cut)
            {
                context.Abort();
                return;
            }

            (_, reply) = Answer(request, path, body, fault);
            if (fault is DeviceEnrolmentFault.CutAfterwards)
            {
                context.Abort();
                return;
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
        finally
        {
            if (server is not null) Count(server, -1);
        }

        log(new DeviceEnrolmentRequest(options.Time.GetUtcNow(), request.Method, path, server?.Uuid, body, reply.Status, reply.Word));
        context.Response.StatusCode = reply.Status;
        if (reply.RetryAfter is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (reply.Session is not null) context.Response.Headers[SessionHeader] = reply.Session;
        if (reply.Json is not null)
        {
            context.Response.ContentType = "application/json;charset=UTF8";
            await context.Response.WriteAsync(reply.Json.ToJsonString(), context.RequestAborted);
        }
        else if (reply.Word is not null)
        {
            context.Response.ContentType = "text/plain";
            await context.Response.WriteAsync(reply.Word, context.RequestAborted);
        }
    }

    private SimulatedMdmServer? ServerOf(HttpRequest request)
    {
        lock (portal.Lock)
            return request.Headers[SessionHeader] is [{ } session] ? portal.Servers.FirstOrDefault(one => one.Sessions.ContainsKey(session)) : null;
    }

    private sealed record Reply(int Status, JsonObject? Json = null, string? Word = null, int? RetryAfter = null, string? Session = null);

    private (SimulatedMdmServer? Server, Reply Reply) Answer(HttpRequest request, string path, string body, DeviceEnrolmentFault? fault)
    {
        if (string.IsNullOrWhiteSpace(request.Headers.UserAgent)) return (null, new Reply(400, Word: "USER_AGENT_MISSING"));
        lock (portal.Lock)
        {
            if (path == "/session")
            {
                if (fault is DeviceEnrolmentFault.Answer refused) return (null, Refused(refused));
                return Begin(request);
            }

            if (request.Headers[SessionHeader] is not [{ } session]) return (null, new Reply(401, Word: "UNAUTHORIZED"));
            var server = portal.Servers.FirstOrDefault(one => one.Sessions.ContainsKey(session));
            if (server is null || server.Sessions[session].EndsAt <= options.Time.GetUtcNow()) return (null, new Reply(401, Word: "UNAUTHORIZED"));
            if (IsTooOften(server, options.Time.GetUtcNow())) return (server, new Reply(429, Word: "TOO_MANY_REQUESTS", RetryAfter: (int)Minute.TotalSeconds));
            if (fault is DeviceEnrolmentFault.Answer answer)
            {
                if (answer.Body is "UNAUTHORIZED" or "FORBIDDEN") server.Sessions.Remove(session);
                return (server, Refused(answer));
            }

            var version = int.TryParse(request.Headers[VersionHeader].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var said) ? said : 1;
            Reply reply;
            try
            {
                reply = Work(server, request.Method, path, request.Query, body, version, fault);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or CryptographicException)
            {
                reply = new Reply(400, Word: "MALFORMED_REQUEST_BODY");
            }

            var used = server.Sessions[session];
            if (options.RotateSessionEvery > 0 && ++used.Requests >= options.RotateSessionEvery)
            {
                server.Sessions.Remove(session);
                reply = reply with { Session = NewSession(server) };
            }

            return (server, reply);
        }
    }

    private bool IsTooOften(SimulatedMdmServer server, DateTimeOffset now)
    {
        if (options.RequestsPerMinute == 0) return false;
        while (server.LastRequests.TryPeek(out var oldest) && now - oldest >= Minute) server.LastRequests.Dequeue();
        if (server.LastRequests.Count >= options.RequestsPerMinute) return true;
        server.LastRequests.Enqueue(now);
        return false;
    }

    private (SimulatedMdmServer?, Reply) Begin(HttpRequest request)
    {
        if (request.Method != HttpMethods.Get) return (null, new Reply(405));
        var (status, word, server) = _oauth.Judge(request.Headers.Authorization.ToString() is { Length: > 0 } header ? header : null, request.Method, new Uri(request.GetEncodedUrl()), portal.Servers);
        return server is null ? (null, new Reply(status, Word: word)) : (server, new Reply(200, new JsonObject { ["auth_session_token"] = NewSession(server) }));
    }

    private string NewSession(SimulatedMdmServer server)
    {
        var session = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        server.Sessions[session] = new Session(options.Time.GetUtcNow() + options.SessionLasts);
        return session;
    }

    private Reply Work(SimulatedMdmServer server, string method, string path, IQueryCollection query, string body, int version, DeviceEnrolmentFault? fault) => (method, path) switch
    {
        ("GET", "/account") => Account(server, version),
        ("POST", "/server/devices") => Fetch(server, Body(body), version, fault),
        ("POST", "/devices/sync") => Sync(server, Body(body), version, fault),
        ("POST", "/devices") => Details(server, Body(body), version),
        ("POST", "/profile") => Define(server, Body(body)),
        ("GET", "/profile") => Profile(server, query["profile_uuid"].ToString()),
        // PUT is what older clients send. It is taken, and no longer documented.
        ("POST" or "PUT", "/profile/devices") => Assign(server, Body(body), version),
        ("DELETE", "/profile/devices") => Remove(server, Body(body)),
        _ => new Reply(404, Word: "NOT_FOUND"),
    };

    private static Reply Refused(DeviceEnrolmentFault.Answer answer) => new(answer.Status, Word: answer.Body, RetryAfter: answer.RetryAfterSeconds);

    private static JsonObject Body(string body) => JsonNode.Parse(body) as JsonObject ?? throw new JsonException();

    private Reply Account(SimulatedMdmServer server, int version)
    {
        var account = new JsonObject
        {
            ["server_name"] = server.Name,
            ["server_uuid"] = server.Uuid,
            ["admin_id"] = "admin@school.example",
            ["facilitator_id"] = "admin@school.example",
            ["org_name"] = options.OrganizationName,
            ["org_email"] = "it@school.example",
            ["org_phone"] = "+1 555 0100",
            ["org_address"] = "1 School Street",
        };
        if (version >= 3)
        {
            account["org_id"] = options.OrganizationId;
            account["org_id_hash"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(options.OrganizationId)));
            account["org_type"] = "edu";
            account["org_version"] = "v2";
            account["urls"] = new JsonArray([.. Urls.Select(one =>
            {
                var url = new JsonObject { ["uri"] = one.Uri, ["http_method"] = new JsonArray([.. one.Methods.Select(method => JsonValue.Create(method))]) };
                if (one.HasLimit) url["limit"] = new JsonObject { ["default"] = DefaultLimit, ["maximum"] = options.MostInPage };
                return url;
            })]);
        }

        return new Reply(200, account);
    }

    private Reply Fetch(SimulatedMdmServer server, JsonObject body, int version, DeviceEnrolmentFault? fault)
    {
        if (Limit(body) is not { } limit) return new Reply(400, Word: "MALFORMED_REQUEST_BODY");
        DeviceCursor at;
        if (body["cursor"] is { } sent)
        {
            if (Known(server, sent.GetValue<string>()) is not { } known) return new Reply(400, Word: "INVALID_CURSOR");
            if (IsOld(known)) return new Reply(400, Word: "INVALID_CURSOR");
            if (known.IsExhausted || known.Serials is null) return new Reply(400, Word: "EXHAUSTED_CURSOR");
            at = known;
            if (fault is DeviceEnrolmentFault.SameCursor) return Page([], sent.GetValue<string>(), more: true);
        }
        else
        {
            at = new DeviceCursor(server, options.Time.GetUtcNow(), portal.SerialsOf(server), 0, server.Events.Count);
        }

        var page = at.Serials!.Skip(at.At).Take(limit).Select(serial => portal.FindIn(server, serial)).OfType<SimulatedPurchase>().Select(purchase => Shown(SchoolManagerPortal.Record(purchase), version)).ToList();
        var next = at with { At = at.At + limit, MadeAt = options.Time.GetUtcNow() };
        return Page(page, Keep(next), more: !next.IsExhausted);
    }

    private Reply Sync(SimulatedMdmServer server, JsonObject body, int version, DeviceEnrolmentFault? fault)
    {
        if (Limit(body) is not { } limit) return new Reply(400, Word: "MALFORMED_REQUEST_BODY");
        if (body["cursor"] is not { } sent) return new Reply(400, Word: "CURSOR_REQUIRED");
        if (Known(server, sent.GetValue<string>()) is not { } known) return new Reply(400, Word: "INVALID_CURSOR");
        if (IsOld(known)) return new Reply(400, Word: "EXPIRED_CURSOR");
        if (known.Serials is not null && !known.IsExhausted) return new Reply(400, Word: "INVALID_CURSOR");
        if (fault is DeviceEnrolmentFault.SameCursor) return Page([], sent.GetValue<string>(), more: true);

        var from = known.Serials is null ? known.At : known.Then;
        var news = server.Events.Skip(from).Take(limit).ToList();
        var records = new List<JsonObject>();
        foreach (var one in news.Where(one => !faults.HiddenFromSync.ContainsKey((string)one.Device["serial_number"]!)))
        {
            var record = Shown((JsonObject)one.Device.DeepClone(), version);
            record["op_type"] = one.Type;
            record["op_date"] = Time(one.At);
            records.Add(record);
            if (faults.Twice) records.Add((JsonObject)record.DeepClone());
        }

        if (faults.Shuffled) records.Reverse();
        var next = new DeviceCursor(server, options.Time.GetUtcNow(), null, from + news.Count, 0);
        return Page(records, Keep(next), more: next.At < server.Events.Count);
    }

    private Reply Page(IEnumerable<JsonObject> devices, string cursor, bool more) => new(200, new JsonObject
    {
        ["cursor"] = cursor,
        ["devices"] = new JsonArray([.. devices]),
        ["fetched_until"] = Time(options.Time.GetUtcNow()),
        ["more_to_follow"] = more,
    });

    private Reply Details(SimulatedMdmServer server, JsonObject body, int version)
    {
        if (Serials(body) is not { Count: > 0 } serials) return new Reply(400, Word: "DEVICE_ID_REQUIRED");
        var devices = new JsonObject();
        foreach (var serial in serials)
        {
            var record = portal.FindIn(server, serial) is { } purchase ? Shown(SchoolManagerPortal.Record(purchase), version) : new JsonObject { ["serial_number"] = serial };
            record["response_status"] = record.Count > 1 ? "SUCCESS" : "NOT_ACCESSIBLE";
            devices[serial] = record;
        }

        return new Reply(200, new JsonObject { ["devices"] = devices });
    }

    private Reply Define(SimulatedMdmServer server, JsonObject profile)
    {
        if (Wrong(profile) is { } word) return new Reply(400, Word: word);
        var serials = Serials(profile);
        profile.Remove("devices");
        var uuid = Guid.NewGuid().ToString("N").ToUpperInvariant();
        server.Profiles[uuid] = (JsonObject)profile.DeepClone();
        return new Reply(200, new JsonObject { ["profile_uuid"] = uuid, ["devices"] = Results(server, uuid, serials ?? [], maySayThrottled: false) });
    }

    private static string? Wrong(JsonObject profile)
    {
        var name = (string?)profile["profile_name"];
        var url = (string?)profile["url"];
        if (name is null) return "CONFIG_NAME_REQUIRED";
        if (name.Length is 0 or > 125) return "CONFIG_NAME_INVALID";
        if (url is null) return "CONFIG_URL_REQUIRED";
        if (url.Length is 0 or > 2000 || !Uri.TryCreate(url, UriKind.Absolute, out _)) return "CONFIG_URL_INVALID";
        foreach (var (key, longest, word) in Lengths)
        {
            if (profile[key] is { } value && (string?)value is { } text && (text.Length == 0 || text.Length > longest)) return word;
        }

        if (Flags.Any(flag => profile[flag] is JsonValue value && value.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False))) return "FLAGS_INVALID";
        if (profile["is_mdm_removable"] is { } removable && !(bool)removable && profile["is_supervised"] is not JsonValue) return "FLAGS_INVALID";
        if (profile["is_mdm_removable"] is { } kept && !(bool)kept && !(bool)profile["is_supervised"]!) return "FLAGS_INVALID";
        if ((profile["language"] is null) != (profile["region"] is null) && profile["region"] is not null) return "LOCALE_INVALID";
        if (profile["skip_setup_items"] is { } items && items is not JsonArray) return "MALFORMED_REQUEST_BODY";
        foreach (var anchor in profile["anchor_certs"] as JsonArray ?? [])
            System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificate(Convert.FromBase64String((string)anchor!)).Dispose();
        return null;
    }

    private static Reply Profile(SimulatedMdmServer server, string uuid)
    {
        if (uuid.Length == 0) return new Reply(400, Word: "PROFILE_UUID_REQUIRED");
        if (!server.Profiles.TryGetValue(uuid, out var profile)) return new Reply(400, Word: "NOT_FOUND");
        var shown = (JsonObject)profile.DeepClone();
        shown["profile_uuid"] = uuid;
        return new Reply(200, shown);
    }

    private Reply Assign(SimulatedMdmServer server, JsonObject body, int version)
    {
        if ((string?)body["profile_uuid"] is not { Length: > 0 } uuid) return new Reply(400, Word: "PROFILE_UUID_REQUIRED");
        if (Serials(body) is not { Count: > 0 } serials) return new Reply(400, Word: "DEVICE_ID_REQUIRED");
        if (serials.Count > options.MostSerials) return new Reply(400, Word: "MALFORMED_REQUEST_BODY");
        if (!server.Profiles.ContainsKey(uuid)) return new Reply(404, Word: "PROFILE_NOT_FOUND");
        var results = Results(server, uuid, serials, maySayThrottled: version >= 9);
        var answer = new JsonObject { ["profile_uuid"] = uuid, ["devices"] = results };
        if (version >= 10 && results.Any(one => (string?)one.Value == "THROTTLED")) answer["retry_after_seconds"] = (int)Throttled.TotalSeconds;
        return new Reply(200, answer);
    }

    private JsonObject Results(SimulatedMdmServer server, string uuid, IReadOnlyList<string> serials, bool maySayThrottled)
    {
        var (results, now) = (new JsonObject(), options.Time.GetUtcNow());
        foreach (var serial in serials.Distinct(StringComparer.Ordinal))
        {
            if (faults.ForgottenInAnswers.ContainsKey(serial)) continue;
            var word = faults.AssignmentOf.GetValueOrDefault(serial);
            if (portal.FindIn(server, serial) is not { } purchase)
            {
                results[serial] = "NOT_ACCESSIBLE";
                continue;
            }

            purchase.TimesAssigned++;
            // Whoever comes too early waits for longer.
            if (purchase.ThrottledUntil > now || word == "THROTTLED")
            {
                purchase.ThrottledUntil = now + Throttled;
                word = maySayThrottled ? "THROTTLED" : "FAILED";
            }

            if (word is not null and not "SUCCESS")
            {
                results[serial] = word;
                continue;
            }

            (purchase.ProfileUuid, purchase.ProfileStatus, purchase.ProfileAssignedAt, purchase.ProfilePushedAt) = (uuid, "assigned", now, null);
            portal.Tell(purchase);
            results[serial] = "SUCCESS";
        }

        return results;
    }

    private Reply Remove(SimulatedMdmServer server, JsonObject body)
    {
        if (Serials(body) is not { Count: > 0 } serials) return new Reply(400, Word: "DEVICE_ID_REQUIRED");
        var results = new JsonObject();
        foreach (var serial in serials)
        {
            var isHere = portal.FindIn(server, serial) is not null;
            if (isHere) portal.RemoveProfile(serial);
            results[serial] = isHere ? "SUCCESS" : "NOT_ACCESSIBLE";
        }

        return new Reply(200, new JsonObject { ["devices"] = results });
    }

    private int? Limit(JsonObject body) => body["limit"] is not { } sent ? DefaultLimit : (int)sent is var limit && limit >= 1 && limit <= options.MostInPage ? limit : null;

    private static IReadOnlyList<string>? Serials(JsonObject body) => (body["devices"] as JsonArray)?.Select(one => (string)one!).ToList();

    private DeviceCursor? Known(SimulatedMdmServer server, string cursor) =>
        cursor.Length <= LongestCursor && _cursors.TryGetValue(cursor, out var known) && known.Server == server ? known : null;

    private bool IsOld(DeviceCursor cursor) => options.Time.GetUtcNow() - cursor.MadeAt > CursorLasts;

    private string Keep(DeviceCursor cursor)
    {
        var name = Convert.ToBase64String(RandomNumberGenerator.GetBytes(60));
        _cursors[name] = cursor;
        return name;
    }

    private static JsonObject Shown(JsonObject record, int version)
    {
        if (version < 2)
        {
            record.Remove("device_family");
            record.Remove("os");
        }
        else if (version < 7) record["os"] = "iOS";
        if (version < 8) record.Remove("mdm_migration_deadline");
        return record;
    }

    private void Count(SimulatedMdmServer server, int delta)
    {
        lock (portal.Lock)
        {
            server.AtOnce += delta;
            server.MostAtOnce = Math.Max(server.MostAtOnce, server.AtOnce);
        }
    }
}
