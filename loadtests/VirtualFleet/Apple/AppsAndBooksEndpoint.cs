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

    /// <summary>Of the App Store, beside the service: the place that <c>contentMetadataLookup</c> names.</summary>
    private const string Lookup = "/WebObjects/MZStorePlatform.woa/wa/lookup";

    private const string Bearer = "Bearer ";
    private const int LongestNotification = 512, LongestMdmId = 100, LongestMdmName = 100, LongestMdmMetadata = 255;

    /// <summary>Elements of one notification.</summary>
    private const int MostInNotification = 100;

    /// <summary>Those of people and of subscriptions are not sent: nobody here has licences but iPads.</summary>
    private static readonly string[] NotificationTypes = ["ASSET_MANAGEMENT", "USER_MANAGEMENT", "USER_ASSOCIATED", "ASSET_COUNT"];

    private const string TestNotification = "TEST_NOTIFICATION";

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
        var token = path == Lookup ? request.Cookies["itvt"]
            : request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.Ordinal) ? header[Bearer.Length..] : null;
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
                ? new Reply(answer.Status, answer.Number is { } number ? AppsAndBooksErrors.ToJson(number, answer.Message) : null, answer.Number, answer.RetryAfterSeconds, answer.Number is null ? answer.Message : null)
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
        if (path == Lookup) return LookedUp(request, location);
        if (!Paths.TryGetValue(path, out var methods)) return new Reply(404, null, Text: "<html>Not found</html>");
        if (!methods.Split(' ').Contains(request.Method)) return Error(AppsAndBooksErrors.WrongMethod);
        if (path == "service/config") return new Reply(200, ServiceConfig());
        if (request.Headers.Authorization.Count == 0) return Error(AppsAndBooksErrors.LoginRequired);
        if (string.IsNullOrEmpty(token)) return Error(AppsAndBooksErrors.InvalidHeader);
        if (location is null) return Error(AppsAndBooksErrors.TokenUnknown);
        if (request.Method == "POST" && request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) != true) return Error(AppsAndBooksErrors.WrongContentType);
        List<JsonObject> notifications = [];
        Reply reply;
        SimulatedClientConfig before;
        lock (location.Lock)
        {
            var now = options.Time.GetUtcNow();
            before = location.Config;
            if (location.Judge(token, now) is { } refused) return Error(refused);
            while (location.Requests.TryPeek(out var oldest) && now - oldest >= TimeSpan.FromSeconds(1)) location.Requests.Dequeue();
            if (options.MaxRequestsPerSecond > 0 && location.Requests.Count >= options.MaxRequestsPerSecond) return Error(AppsAndBooksErrors.TooManyRequests);
            location.Requests.Enqueue(now);
            Run(location, now, notifications);
            JsonObject? json;
            try
            {
                json = body.Length == 0 ? null : JsonNode.Parse(body) as JsonObject;
            }
            catch (JsonException)
            {
                return Error(AppsAndBooksErrors.InvalidArgument);
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
            var isTest = (string?)notification["notificationType"] == TestNotification;
            var reached = await Notify(location, notification);
            if (isTest && !reached)
            {
                // The whole of it is refused: what was said before goes on.
                lock (location.Lock) location.Config = before;
                return Error(AppsAndBooksErrors.NotificationUnreachable);
            }
        }

        return reply;
    }

    private JsonObject ServiceConfig() => new()
    {
        ["errorCodes"] = AppsAndBooksErrors.List(),
        ["limits"] = new JsonObject
        {
            ["maxAssets"] = options.MaxAssets,
            ["maxSerialNumbers"] = options.MaxSerialNumbers,
            ["maxClientUserIds"] = 1000,
            ["maxUsers"] = 100,
            ["maxRevokeSerialNumbers"] = 100,
            ["maxRevokeClientUserIds"] = 100,
            ["maxSubscriptions"] = 25,
            ["maxSubscriptionClientUserIds"] = 1000,
            ["maxNotificationLength"] = LongestNotification,
            ["maxMdmIdLength"] = LongestMdmId,
            ["maxMdmNameLength"] = LongestMdmName,
            ["maxMdmMetadataLength"] = LongestMdmMetadata,
            ["maxRequestPerSecond"] = options.MaxRequestsPerSecond,
        },
        ["notificationTypes"] = new JsonArray([.. NotificationTypes.Select(type => JsonValue.Create(type))]),
        ["urls"] = new JsonObject
        {
            ["associateAssets"] = Url("assets/associate"),
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
        config["subscribedNotificationTypes"] = new JsonArray([.. location.Config.Types.Select(type => JsonValue.Create(type))]);
        if (location.Config is { Url: { } url, Secret: { } secret }) (config["notificationUrl"], config["notificationAuthToken"]) = (url, secret);
        return config;
    }

    private Reply SetClientConfig(SimulatedLocation location, JsonObject asked, List<JsonObject> notifications)
    {
        if (asked["mdmInfo"] is JsonObject info)
        {
            var (id, name, metadata) = ((string?)info["id"], (string?)info["name"], (string?)info["metadata"]);
            if (id is null || name is null || metadata is null) return Error(AppsAndBooksErrors.MdmInfoHalf);
            if (id.Length > LongestMdmId) return Error(AppsAndBooksErrors.MdmIdTooLong);
            if (name.Length > LongestMdmName) return Error(AppsAndBooksErrors.MdmNameTooLong);
            if (metadata.Length > LongestMdmMetadata) return Error(AppsAndBooksErrors.MetadataTooLong);
        }

        var (url, secret) = ((string?)asked["notificationUrl"], (string?)asked["notificationAuthToken"]);
        if ((url is null) != (secret is null)) return Error(AppsAndBooksErrors.NotificationHalf);
        if (url is { Length: > LongestNotification } || secret is { Length: > LongestNotification }) return Error(AppsAndBooksErrors.NotificationTooLong);
        if (url is not null && !(Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps)) return Error(AppsAndBooksErrors.NotificationNoHttps);
        var types = (asked["notificationTypes"] as JsonArray)?.Select(type => (string?)type ?? "").ToList();
        if (types?.Any(type => type != TestNotification && !NotificationTypes.Contains(type)) == true) return Error(AppsAndBooksErrors.InvalidArgument);
        var config = location.Config;
        if (asked["mdmInfo"] is JsonObject claimed) config = config with { MdmInfo = (JsonObject)claimed.DeepClone() };
        if (types is not null) config = config with { Types = types };
        if (url is not null) config = config with { Url = url, Secret = secret };
        location.Config = config;
        if (url is not null) notifications.Add(Notification(location, TestNotification, []));
        return new Reply(200, ClientConfig(location));
    }

    private Reply Assets(SimulatedLocation location, IQueryCollection query)
    {
        bool Is(string name, string value) => query[name].ToString() is not { Length: > 0 } asked || string.Equals(asked, value, StringComparison.OrdinalIgnoreCase);
        bool IsWithin(string name, int value) => !(int.TryParse(query["min" + name], NumberStyles.None, CultureInfo.InvariantCulture, out var least) && value < least)
            && !(int.TryParse(query["max" + name], NumberStyles.None, CultureInfo.InvariantCulture, out var most) && value > most);
        var all = location.Assets.Values
            .Where(asset => Is("adamId", asset.AdamId) && Is("pricingParam", asset.Pricing) && Is("productType", asset.ProductType))
            .Where(asset => Is("deviceAssignable", asset.DeviceAssignable ? "true" : "false") && Is("revocable", asset.Revocable ? "true" : "false"))
            .Where(asset => IsWithin("AssignedCount", location.Assigned(asset)) && IsWithin("AvailableCount", Math.Max(asset.Total - location.Assigned(asset), 0)))
            .OrderBy(asset => asset.AdamId, StringComparer.Ordinal).ThenBy(asset => asset.Pricing, StringComparer.Ordinal).ToList();
        var reply = Page(location, query, all.Count, "assets", location.OfAssets, (from, count) => new JsonArray([.. all.Skip(from).Take(count).Select(asset => new JsonObject
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
        if (reply.Error is null && reply.Json!["nextPageIndex"] is not null && Interlocked.Decrement(ref faults.ChangesWhilePaging) >= 0) location.OfAssets.Change();
        return reply;
    }

    private Reply Assignments(SimulatedLocation location, IQueryCollection query)
    {
        long? since = 0;
        if (query["sinceVersionId"].ToString() is { Length: > 0 } version) since = location.OfLicences.NumberOf(version);
        if (since is null) return Error(AppsAndBooksErrors.InvalidVersion);
        var all = location.Licences
            .Where(one => one.Value > since)
            .Select(one => one.Key)
            .Where(one => query["adamId"].ToString() is not { Length: > 0 } adam || one.AdamId == adam)
            .Where(one => query["pricingParam"].ToString() is not { Length: > 0 } pricing || one.Pricing == pricing)
            .Where(_ => query["clientUserId"].ToString().Length == 0)
            .Where(one => query["serialNumber"].ToString() is not { Length: > 0 } serial || one.SerialNumber == serial)
            .OrderBy(one => one.AdamId, StringComparer.Ordinal).ThenBy(one => one.SerialNumber, StringComparer.Ordinal).ToList();
        return Page(location, query, all.Count, "assignments", location.OfLicences, (from, count) => new JsonArray([.. all.Skip(from).Take(count).Select(Record)]));
    }

    private static JsonObject Record(SimulatedLicence one) => new() { ["adamId"] = one.AdamId, ["pricingParam"] = one.Pricing, ["serialNumber"] = one.SerialNumber };

    private Reply Page(SimulatedLocation location, IQueryCollection query, int total, string name, SimulatedVersions versions, Func<int, int, JsonArray> some)
    {
        var pages = Math.Max((total + options.PageSize - 1) / options.PageSize, 1);
        var index = 0;
        if (query["pageIndex"].ToString() is { Length: > 0 } asked && (!int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out index) || index >= pages))
            return Error(AppsAndBooksErrors.NoSuchPage);
        var json = Base(location);
        var items = some(index * options.PageSize, options.PageSize);
        json["currentPageIndex"] = index;
        if (index + 1 < pages) json["nextPageIndex"] = index + 1;
        json["size"] = items.Count;
        json["totalPages"] = pages;
        json["versionId"] = versions.Name;
        json[name] = items;
        return new Reply(200, json);
    }

    private Reply Change(SimulatedLocation location, string path, JsonObject asked, DateTimeOffset now)
    {
        if (asked["assets"] is not JsonArray { Count: > 0 } assets) return Error(AppsAndBooksErrors.NoAssets);
        // Nobody is registered here.
        if (asked["clientUserIds"] is JsonArray { Count: > 0 }) return Error(AppsAndBooksErrors.NoSuchUser);
        if (asked["serialNumbers"] is not JsonArray { Count: > 0 } serials) return Error(AppsAndBooksErrors.NoTargets);
        if (assets.Count > options.MaxAssets) return Error(AppsAndBooksErrors.TooManyAssets);
        if (serials.Count > options.MaxSerialNumbers) return Error(AppsAndBooksErrors.TooManySerials);
        if (serials.Any(serial => serial?.GetValueKind() != JsonValueKind.String)) return Error(AppsAndBooksErrors.InvalidArgument);
        var wanted = assets.Select(asset => (AdamId: (string?)asset?["adamId"] ?? "", Pricing: (string?)asset?["pricingParam"] ?? "STDQ")).ToList();
        var iPads = serials.Select(serial => (string)serial!).ToList();
        if (wanted.Distinct().Count() != wanted.Count) return Error(AppsAndBooksErrors.AssetTwice);
        if (iPads.Distinct(StringComparer.OrdinalIgnoreCase).Count() != iPads.Count) return Error(AppsAndBooksErrors.SerialTwice);
        foreach (var one in wanted)
        {
            if (!location.Assets.TryGetValue(one, out var asset)) return Error(AppsAndBooksErrors.InvalidArgument);
            if (!asset.DeviceAssignable) return Error(AppsAndBooksErrors.NotForDevices);
            if (path == "assets/disassociate" && !asset.Revocable) return Error(AppsAndBooksErrors.NotRevocable);
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
        if (!location.Events.TryGetValue(id, out var happening)) return Error(AppsAndBooksErrors.NoSuchEvent);
        var json = Base(location);
        json["eventType"] = happening.Type;
        json["numRequested"] = happening.Licences.Count;
        json["numCompleted"] = happening.Ended ? happening.Licences.Count - happening.Failures.Count : 0;
        json["eventStatus"] = !happening.Ended ? "PENDING" : happening.Failures.Count > 0 ? "FAILED" : "COMPLETE";
        if (happening.Failures.Count > 0 && !faults.SilentFailures)
        {
            json["failures"] = new JsonArray([.. happening.Failures.GroupBy(one => (one.Number, one.Licence.AdamId, one.Licence.Pricing)).Select(group =>
            {
                var failure = AppsAndBooksErrors.ToJson(group.Key.Number);
                failure["errorInfo"] = new JsonObject
                {
                    ["assets"] = new JsonArray(new JsonObject { ["adamId"] = group.Key.AdamId, ["pricingParam"] = group.Key.Pricing }),
                    ["serialNumbers"] = new JsonArray([.. group.Select(one => JsonValue.Create(one.Licence.SerialNumber))]),
                };
                return failure;
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
                    happening.Failures.AddRange(those.Where(one => !location.Licences.ContainsKey(one)).Select(one => (AppsAndBooksErrors.TooFewLicences, one)));
                }
                else
                {
                    // One that is there already is not counted twice.
                    foreach (var one in those) location.Licences.TryAdd(one, location.OfLicences.Number + 1);
                }
            }

            location.OfLicences.Change();
            location.OfAssets.Change();
            if (location.Config.Url is null) continue;
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
        if (error is { } number) content["error"] = AppsAndBooksErrors.ToJson(number);
        return Notification(location, "ASSET_MANAGEMENT", content);
    }

    internal static JsonObject Notification(SimulatedLocation location, string type, JsonObject content) => new()
    {
        ["notificationId"] = Guid.NewGuid().ToString("D"),
        ["notificationType"] = type,
        ["uId"] = location.UId,
        ["notification"] = content,
    };

    /// <summary>Up to three tries, one after the other; of what the server has subscribed to.</summary>
    /// <returns>It was taken, or nobody is told.</returns>
    internal async Task<bool> Notify(SimulatedLocation location, JsonObject notification)
    {
        var (_, address, secret, types) = location.Config;
        if (options.Notifier is not { } notifier || address is not { } url) return true;
        var type = (string)notification["notificationType"]!;
        if (type != TestNotification && (faults.LoseNotifications || !types.Contains(type))) return true;
        var sent = false;
        for (var attempt = 0; attempt < (faults.RepeatNotifications ? 2 : 3); attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(notification.ToJsonString(), Encoding.UTF8, "application/json") };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", secret);
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

    /// <summary>What the App Store says of apps: to everybody; of a custom app, to those whose token is in a cookie. Of others it says nothing, and that is no error.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/getting-app-and-book-information-legacy"/></summary>
    private Reply LookedUp(HttpRequest request, SimulatedLocation? mine)
    {
        var ids = request.Query["id"].ToString().Split(',');
        var results = new JsonObject();
        foreach (var location in locations())
        {
            lock (location.Lock)
            {
                foreach (var asset in location.Assets.Values.Where(asset => ids.Contains(asset.AdamId) && (!asset.IsCustom || location == mine)))
                {
                    if (asset.Store is not var (name, bundle)) continue;
                    results[asset.AdamId] = new JsonObject
                    {
                        ["id"] = asset.AdamId,
                        ["name"] = name,
                        ["bundleId"] = bundle,
                        ["kind"] = "iosSoftware",
                        ["deviceFamilies"] = new JsonArray("ipad"),
                        ["isB2BCustomApp"] = asset.IsCustom,
                        ["offers"] = new JsonArray(new JsonObject { ["version"] = new JsonObject { ["display"] = "1.0", ["externalId"] = 1 } }),
                    };
                }
            }
        }

        return new Reply(200, new JsonObject { ["isAuthenticated"] = false, ["results"] = results, ["version"] = 2 });
    }

    /// <summary>What each answer carries; who has claimed the location, once somebody has.</summary>
    private static JsonObject Base(SimulatedLocation location)
    {
        var json = new JsonObject
        {
            ["uId"] = location.UId,
            ["tokenExpirationDate"] = location.TokenExpiresAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'+0000'", CultureInfo.InvariantCulture),
        };
        if (location.Config.MdmInfo is { } info) json["mdmInfo"] = info.DeepClone();
        return json;
    }

    private static Reply Error(int number) => new(AppsAndBooksErrors.StatusOf(number), AppsAndBooksErrors.ToJson(number), number);
}
