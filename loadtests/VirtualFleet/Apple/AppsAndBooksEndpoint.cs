using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>
/// The paths of the service, checked in this order: method and path, token, pace, what a fault says, what is asked. Errors are <c>{errorNumber, errorMessage, errorInfo}</c>.
/// <see href="https://developer.apple.com/documentation/devicemanagement/app-and-book-management"/>
/// </summary>
internal sealed class AppsAndBooksEndpoint(
    AppsAndBooksSimulatorOptions options, Func<IEnumerable<SimulatedLocation>> locations, AppsAndBooksFaults faults, Action<AppsAndBooksRequest> log, Func<Uri> address)
{
    private const string Root = "/mdm/v2/";
    private const string Lookup = "/lookup";
    private const int LongestNotification = 512, LongestMdmId = 100, LongestMdmName = 100, LongestMdmMetadata = 255;

    /// <summary>Elements of one notification.</summary>
    private const int MostInNotification = 100;

    private static readonly Dictionary<string, string> Paths = new(StringComparer.Ordinal)
    {
        ["service/config"] = "GET",
        ["client/config"] = "GET POST",
        ["assets"] = "GET",
        ["assignments"] = "GET",
        ["status"] = "GET",
        ["assets/associate"] = "POST",
        ["assets/disassociate"] = "POST",
    };

    private sealed record Reply(int Status, JsonObject? Json, int? Error = null, int? RetryAfter = null, string? Text = null);

    public async Task Handle(HttpContext context)
    {
        var request = context.Request;
        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        var path = request.Path.Value?.StartsWith(Root, StringComparison.Ordinal) == true ? request.Path.Value[Root.Length..] : request.Path.Value ?? "";
        var token = request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.Ordinal) ? header["Bearer ".Length..] : request.Cookies["itvt"];
        var location = token is null ? null : locations().FirstOrDefault(one => one.Knows(token));
        Reply reply;
        var fault = faults.Choose(path);
        try
        {
            if (faults.Delay > TimeSpan.Zero) await Task.Delay(faults.Delay, options.Time, context.RequestAborted);
            if (fault is AppsAndBooksFault.Hang) await faults.Held.WaitAsync(context.RequestAborted);
            if (fault is AppsAndBooksFault.Cut)
            {
                log(new AppsAndBooksRequest(options.Time.GetUtcNow(), request.Method, path, request.QueryString.Value ?? "", location?.UId, body, 0, null));
                context.Abort();
                return;
            }

            reply = fault is AppsAndBooksFault.Answer answer
                ? new Reply(answer.Status, answer.Number is { } number ? ErrorOf(number, answer.Message) : null, answer.Number, answer.RetryAfterSeconds, answer.Number is null ? answer.Message : null)
                : await Answer(request, path, token, location, body);
            if (fault is AppsAndBooksFault.CutAfterwards)
            {
                log(new AppsAndBooksRequest(options.Time.GetUtcNow(), request.Method, path, request.QueryString.Value ?? "", location?.UId, body, 0, null));
                context.Abort();
                return;
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }

        log(new AppsAndBooksRequest(options.Time.GetUtcNow(), request.Method, path, request.QueryString.Value ?? "", location?.UId, body, reply.Status, reply.Error));
        context.Response.StatusCode = reply.Status;
        if (reply.RetryAfter is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        context.Response.ContentType = reply.Json is null ? "text/html" : "application/json;charset=UTF-8";
        await context.Response.WriteAsync(reply.Json?.ToJsonString() ?? reply.Text ?? "", context.RequestAborted);
    }

    private async Task<Reply> Answer(HttpRequest request, string path, string? token, SimulatedLocation? location, string body)
    {
        if (request.Path.Value == Lookup) return LookedUp(request, location);
        if (!Paths.TryGetValue(path, out var methods)) return new Reply(404, ErrorOf(9604, "Not found."), 9604);
        if (!methods.Split(' ').Contains(request.Method)) return Error(405, 9726, "The method is not allowed.");
        if (path == "service/config") return new Reply(200, ServiceConfig());
        if (string.IsNullOrEmpty(token)) return Error(401, 9601, "Login required.");
        if (location is null) return Error(200, 9622, "Invalid authentication token.");
        if (request.Method == "POST" && request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) != true) return Error(415, 9727, "The content type is not supported.");
        List<JsonObject> notifications = [];
        Reply reply;
        lock (location.Lock)
        {
            var now = options.Time.GetUtcNow();
            if (location.Judge(token, now) is { } refused) return Error(401, refused, "The token counts no more.");
            while (location.Requests.TryPeek(out var oldest) && now - oldest >= TimeSpan.FromSeconds(1)) location.Requests.Dequeue();
            if (options.MaxRequestsPerSecond > 0 && location.Requests.Count >= options.MaxRequestsPerSecond) return Error(429, 9646, "Too many requests for this organization.");
            location.Requests.Enqueue(now);
            Run(location, now, notifications);
            JsonObject? json;
            try
            {
                json = body.Length == 0 ? null : JsonNode.Parse(body) as JsonObject;
            }
            catch (JsonException)
            {
                return Error(400, 9602, "Invalid argument.");
            }

            reply = (request.Method, path) switch
            {
                ("GET", "client/config") => new Reply(200, ClientConfig(location)),
                ("POST", "client/config") => SetClientConfig(location, json ?? [], notifications),
                ("GET", "assets") => Assets(location, request.Query),
                ("GET", "assignments") => Assignments(location, request.Query),
                ("GET", "status") => Status(location, request.Query["eventId"].ToString()),
                _ => Change(location, path, json ?? [], now),
            };
            if (reply.Error is null && path is "assets/associate" or "assets/disassociate") Run(location, now, notifications);
        }

        foreach (var notification in notifications)
        {
            var isTest = (string?)notification["notificationType"] == "TEST_NOTIFICATION";
            var reached = await Notify(location, notification);
            if (isTest && !reached)
            {
                lock (location.Lock) (location.NotificationUrl, location.NotificationToken) = (null, null);
                return Error(400, 9728, "The notification URL cannot be reached.");
            }
        }

        return reply;
    }

    private JsonObject ServiceConfig() => new()
    {
        ["limits"] = new JsonObject
        {
            ["maxAssets"] = options.MaxAssets,
            ["maxSerialNumbers"] = options.MaxSerialNumbers,
            ["maxClientUserIds"] = 1000,
            ["maxRevokeSerialNumbers"] = 100,
            ["maxNotificationLength"] = LongestNotification,
            ["maxMdmIdLength"] = LongestMdmId,
            ["maxMdmNameLength"] = LongestMdmName,
            ["maxMdmMetadataLength"] = LongestMdmMetadata,
            ["maxRequestPerSecond"] = options.MaxRequestsPerSecond,
        },
        ["notificationTypes"] = new JsonArray("ASSET_COUNT", "ASSET_MANAGEMENT", "TEST_NOTIFICATION"),
        ["urls"] = new JsonObject
        {
            ["assignAssets"] = Url("assets/associate"),
            ["disassociateAssets"] = Url("assets/disassociate"),
            ["clientConfig"] = Url("client/config"),
            ["getAssets"] = Url("assets"),
            ["getAssignments"] = Url("assignments"),
            ["eventStatus"] = Url("status"),
            ["contentMetadataLookup"] = new Uri(address(), Lookup).AbsoluteUri,
        },
    };

    private string Url(string path) => new Uri(address(), Root + path).AbsoluteUri;

    private static JsonObject ClientConfig(SimulatedLocation location)
    {
        var config = Base(location);
        config["countryISO2ACode"] = location.Country;
        config["defaultPlatform"] = "volumestore";
        config["locationName"] = location.Name;
        config["websiteURL"] = "https://school.apple.com";
        config["subscribedNotificationTypes"] = new JsonArray();
        if (location.MdmInfo is not null) config["mdmInfo"] = location.MdmInfo.DeepClone();
        if (location.NotificationUrl is not null) config["notificationUrl"] = location.NotificationUrl;
        return config;
    }

    private Reply SetClientConfig(SimulatedLocation location, JsonObject asked, List<JsonObject> notifications)
    {
        if (asked["mdmInfo"] is JsonObject info)
        {
            var (id, name, metadata) = ((string?)info["id"], (string?)info["name"], (string?)info["metadata"]);
            if (id is null || name is null || metadata is null) return Error(400, 9723, "mdmInfo needs id, name and metadata.");
            if (id.Length > LongestMdmId || name.Length > LongestMdmName || metadata.Length > LongestMdmMetadata) return Error(400, 9724, "A value of mdmInfo is too long.");
        }

        var (url, secret) = ((string?)asked["notificationUrl"], (string?)asked["notificationAuthToken"]);
        if ((url is null) != (secret is null)) return Error(400, 9710, "notificationUrl and notificationAuthToken go together.");
        if (url is { Length: > LongestNotification } || secret is { Length: > LongestNotification }) return Error(400, 9711, "It is too long.");
        if (url is not null && !url.StartsWith("https://", StringComparison.Ordinal)) return Error(400, 9712, "notificationUrl must be https.");
        if (asked["mdmInfo"] is JsonObject claimed) location.MdmInfo = (JsonObject)claimed.DeepClone();
        if (url is not null)
        {
            (location.NotificationUrl, location.NotificationToken) = (url, secret);
            notifications.Add(Notification(location, "TEST_NOTIFICATION", []));
        }

        return new Reply(200, ClientConfig(location));
    }

    private Reply Assets(SimulatedLocation location, IQueryCollection query)
    {
        var all = location.Assets.Values
            .Where(asset => query["adamId"].ToString() is not { Length: > 0 } adam || asset.AdamId == adam)
            .Where(asset => query["productType"].ToString() is not { Length: > 0 } type || asset.ProductType == type)
            .OrderBy(asset => asset.AdamId, StringComparer.Ordinal).ThenBy(asset => asset.Pricing, StringComparer.Ordinal).ToList();
        var reply = Page(location, query, all.Count, "assets", (from, count) => new JsonArray([.. all.Skip(from).Take(count).Select(asset => new JsonObject
        {
            ["adamId"] = asset.AdamId,
            ["pricingParam"] = asset.Pricing,
            ["productType"] = asset.ProductType,
            ["deviceAssignable"] = asset.DeviceAssignable,
            ["revocable"] = asset.Revocable,
            ["supportedPlatforms"] = new JsonArray("iOS"),
            ["totalCount"] = asset.Total,
            ["assignedCount"] = location.Assigned(asset),
            ["availableCount"] = Math.Max(asset.Total - location.Assigned(asset), 0),
            ["retiredCount"] = 0,
        })]));
        if (reply.Error is null && reply.Json!["nextPageIndex"] is not null && Interlocked.Decrement(ref faults.ChangesWhilePaging) >= 0) location.Version++;
        return reply;
    }

    private Reply Assignments(SimulatedLocation location, IQueryCollection query)
    {
        var since = 0L;
        if (query["sinceVersionId"].ToString() is { Length: > 0 } version && (!long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out since) || since > location.Version))
            return Error(400, 9721, "sinceVersionId is not valid.");
        var all = location.Licences
            .Where(one => one.Value > since)
            .Select(one => one.Key)
            .Where(one => query["adamId"].ToString() is not { Length: > 0 } adam || one.AdamId == adam)
            .Where(one => query["serialNumber"].ToString() is not { Length: > 0 } serial || one.SerialNumber == serial)
            .OrderBy(one => one.AdamId, StringComparer.Ordinal).ThenBy(one => one.SerialNumber, StringComparer.Ordinal).ToList();
        return Page(location, query, all.Count, "assignments", (from, count) => new JsonArray([.. all.Skip(from).Take(count).Select(Record)]));
    }

    private static JsonObject Record(SimulatedLicence one) => new() { ["adamId"] = one.AdamId, ["pricingParam"] = one.Pricing, ["serialNumber"] = one.SerialNumber };

    private Reply Page(SimulatedLocation location, IQueryCollection query, int total, string name, Func<int, int, JsonArray> some)
    {
        var pages = Math.Max((total + options.PageSize - 1) / options.PageSize, 1);
        var index = 0;
        if (query["pageIndex"].ToString() is { Length: > 0 } asked && (!int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out index) || index >= pages))
            return Error(400, 9650, "There is no such page.");
        var json = Base(location);
        var items = some(index * options.PageSize, options.PageSize);
        json["currentPageIndex"] = index;
        if (index + 1 < pages) json["nextPageIndex"] = index + 1;
        json["size"] = items.Count;
        json["totalPages"] = pages;
        json["versionId"] = location.Version.ToString(CultureInfo.InvariantCulture);
        json[name] = items;
        return new Reply(200, json);
    }

    private Reply Change(SimulatedLocation location, string path, JsonObject asked, DateTimeOffset now)
    {
        if (asked["assets"] is not JsonArray { Count: > 0 } assets || asked["serialNumbers"] is not JsonArray { Count: > 0 } serials) return Error(400, 9600, "An argument is missing.");
        if (assets.Count > options.MaxAssets) return Error(400, 9700, "Too many assets.");
        if (serials.Count > options.MaxSerialNumbers) return Error(400, 9702, "Too many serial numbers.");
        var wanted = assets.Select(asset => (AdamId: (string?)asset?["adamId"] ?? "", Pricing: (string?)asset?["pricingParam"] ?? "STDQ")).ToList();
        var iPads = serials.Select(serial => (string)serial!).ToList();
        if (wanted.Distinct().Count() != wanted.Count) return Error(400, 9703, "An asset is named twice.");
        if (iPads.Distinct(StringComparer.OrdinalIgnoreCase).Count() != iPads.Count) return Error(400, 9705, "A serial number is named twice.");
        foreach (var one in wanted)
        {
            if (!location.Assets.TryGetValue(one, out var asset)) return Error(400, 9602, $"There is no asset {one.AdamId} {one.Pricing}.");
            if (!asset.DeviceAssignable) return Error(400, 9707, "It cannot be assigned to devices.");
            if (path == "assets/disassociate" && !asset.Revocable) return Error(400, 9706, "It cannot be taken back.");
        }

        var licences = wanted.SelectMany(asset => iPads.Select(serial => new SimulatedLicence(asset.AdamId, asset.Pricing, serial))).ToList();
        var happening = new SimulatedContentEvent(Guid.NewGuid().ToString("D"), path == "assets/associate" ? "ASSOCIATE" : "DISASSOCIATE", now + options.EventTakes, licences);
        location.Events[happening.Id] = happening;
        var json = Base(location);
        json["eventId"] = happening.Id;
        return new Reply(200, json);
    }

    private Reply Status(SimulatedLocation location, string id)
    {
        if (!location.Events.TryGetValue(id, out var happening)) return Error(400, 9708, "There is no such event.");
        var json = Base(location);
        json["eventId"] = id;
        json["eventType"] = happening.Type;
        json["numRequested"] = happening.Licences.Count;
        json["numCompleted"] = happening.Ended ? happening.Licences.Count - happening.Failures.Count : 0;
        json["eventStatus"] = !happening.Ended ? "PENDING" : happening.Failures.Count > 0 ? "FAILED" : "COMPLETE";
        if (happening.Failures.Count > 0 && !faults.SilentFailures)
        {
            json["failures"] = new JsonArray([.. happening.Failures.GroupBy(one => (one.Number, one.Licence.AdamId, one.Licence.Pricing)).Select(group => new JsonObject
            {
                ["errorNumber"] = group.Key.Number,
                ["errorMessage"] = group.Key.Number == 9709 ? "Not enough licences." : "It could not be done.",
                ["errorInfo"] = new JsonObject
                {
                    ["assets"] = new JsonArray(new JsonObject { ["adamId"] = group.Key.AdamId, ["pricingParam"] = group.Key.Pricing }),
                    ["serialNumbers"] = new JsonArray([.. group.Select(one => JsonValue.Create(one.Licence.SerialNumber))]),
                },
            })]);
        }

        return new Reply(200, json);
    }

    /// <summary>What is due happens. Of an asset that has too few licences left, none is given.</summary>
    private void Run(SimulatedLocation location, DateTimeOffset now, List<JsonObject> notifications)
    {
        if (faults.HoldEvents) return;
        foreach (var happening in location.Events.Values.Where(one => !one.Ended && one.DueAt <= now))
        {
            happening.Ended = true;
            foreach (var group in happening.Licences.GroupBy(one => (one.AdamId, one.Pricing)))
            {
                var asset = location.Assets[group.Key];
                var fails = group.Where(one => faults.FailureOf.ContainsKey(one.SerialNumber)).ToList();
                var those = group.Except(fails).ToList();
                happening.Failures.AddRange(fails.Select(one => (faults.FailureOf[one.SerialNumber], one)));
                if (happening.Type == "DISASSOCIATE")
                {
                    foreach (var one in those) location.Licences.Remove(one);
                }
                else if (those.Count(one => !location.Licences.ContainsKey(one)) > asset.Total - location.Assigned(asset))
                {
                    happening.Failures.AddRange(those.Where(one => !location.Licences.ContainsKey(one)).Select(one => (9709, one)));
                }
                else
                {
                    // One that is there already is not counted twice.
                    foreach (var one in those) location.Licences.TryAdd(one, location.Version + 1);
                }
            }

            location.Version++;
            if (location.NotificationUrl is null) continue;
            foreach (var some in happening.Licences.Except(happening.Failures.Select(one => one.Licence)).Chunk(MostInNotification))
                notifications.Add(Management(location, happening, "SUCCESS", some, null));
            foreach (var group in happening.Failures.GroupBy(one => one.Number))
            {
                foreach (var some in group.Select(one => one.Licence).Chunk(MostInNotification)) notifications.Add(Management(location, happening, "FAILURE", some, group.Key));
            }
        }
    }

    private static JsonObject Management(SimulatedLocation location, SimulatedContentEvent happening, string result, IEnumerable<SimulatedLicence> licences, int? error)
    {
        var content = new JsonObject
        {
            ["assignments"] = new JsonArray([.. licences.Select(Record)]),
            ["eventId"] = happening.Id,
            ["result"] = result,
            ["type"] = happening.Type,
        };
        if (error is { } number) content["error"] = new JsonObject { ["errorNumber"] = number, ["errorMessage"] = "" };
        return Notification(location, "ASSET_MANAGEMENT", content);
    }

    internal static JsonObject Notification(SimulatedLocation location, string type, JsonObject content) => new()
    {
        ["notificationId"] = Guid.NewGuid().ToString("D"),
        ["notificationType"] = type,
        ["uId"] = location.UId,
        ["notification"] = content,
    };

    /// <summary>Up to three tries.</summary>
    internal async Task<bool> Notify(SimulatedLocation location, JsonObject notification)
    {
        if (options.Notifier is not { } notifier || location.NotificationUrl is not { } url) return true;
        if (faults.LoseNotifications && (string?)notification["notificationType"] != "TEST_NOTIFICATION") return true;
        var sent = false;
        for (var attempt = 0; attempt < (faults.RepeatNotifications ? 2 : 3); attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(notification.ToJsonString(), Encoding.UTF8, "application/json") };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", location.NotificationToken);
            try
            {
                using var answer = await notifier.SendAsync(request, CancellationToken.None);
                sent |= answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                // The next try.
            }

            if (sent && !faults.RepeatNotifications) return true;
        }

        return sent;
    }

    /// <summary>What the App Store says of apps: by the token in a cookie.</summary>
    private static Reply LookedUp(HttpRequest request, SimulatedLocation? location)
    {
        if (location is null || request.Query["id"].ToString() is not { Length: > 0 } ids)
            return new Reply(403, new JsonObject { ["errors"] = new JsonArray(new JsonObject { ["status"] = "403", ["code"] = "40300", ["title"] = "Forbidden" }) }, 40300);
        var results = new JsonObject();
        lock (location.Lock)
        {
            foreach (var asset in location.Assets.Values.Where(asset => ids.Split(',').Contains(asset.AdamId)))
            {
                if (asset.Store is not var (name, bundle)) continue;
                results[asset.AdamId] = new JsonObject { ["id"] = asset.AdamId, ["name"] = name, ["bundleId"] = bundle, ["offers"] = new JsonArray(new JsonObject { ["version"] = new JsonObject { ["externalId"] = 1 } }) };
            }
        }

        return new Reply(200, new JsonObject { ["results"] = results, ["version"] = 2 });
    }

    private static JsonObject Base(SimulatedLocation location) => new()
    {
        ["uId"] = location.UId,
        ["tokenExpirationDate"] = location.TokenExpiresAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'+0000'", CultureInfo.InvariantCulture),
    };

    private static Reply Error(int status, int number, string message) => new(status, ErrorOf(number, message), number);

    private static JsonObject ErrorOf(int number, string message) => new() { ["errorNumber"] = number, ["errorMessage"] = message };
}
