using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Apps;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Apps;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace FleetMdm.Api.Apps;

/// <summary>In-house apps, for REST, for the console and for iPads.</summary>
internal sealed class HostedAppService(
    IHostedAppStore store, IStoreSpace space, IDeviceStore bodies, AssignedThings assigned, AuditTrail trail, FleetGates gates, IOptions<AppsOptions> options, IOptions<MdmOptions> mdm, TimeProvider time)
{
    /// <summary>Our member of InstallApplication.</summary>
    public const string Member = "hostedApp";

    /// <summary>Of a list to choose from.</summary>
    private const int MostChoices = 500;

    public const string InstallApplication = "InstallApplication";
    private const string Path = "/app/";

    /// <summary>Each has a checksum of its own in the manifest, so that a broken download is found early.</summary>
    private const int PartSize = 10 * HostedApp.ChunkSize;

    private const int TokenBytes = 32;

    /// <summary>Of the disk, an app leaves so much for all else: for answers of iPads, and for its own pieces to go again. What is on its way when an upload begins
    /// takes of it, so an upload that has begun may go further.</summary>
    private const long KeptFree = 64L * MiB;
    private const long LeastFree = 32L * MiB;
    private const int PiecesBetweenLooks = 4;
    private const int PiecesAtOnce = 16;
    private const int MiB = 1024 * 1024;

    private long Most => (long)options.Value.MaxMegabytes * 1024 * 1024;

    /// <summary>Before the body is read: apps are larger than all else.</summary>
    public void Allow(HttpContext context)
    {
        if (context.Request.ContentLength > Most) throw TooLarge();
        // With room for what a form puts around the file.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature) feature.MaxRequestBodySize = Most + (1024 * 1024);
    }

    /// <summary>Takes an app in, piece by piece: no node holds more than one in memory.</summary>
    /// <exception cref="ApiProblem">413; 422: it is no app for iPads; 503: the disk has no room for it.</exception>
    public async Task<(HostedApp App, bool IsNew)> Upload(HttpContext context, Stream body)
    {
        var announced = context.Request.ContentLength ?? 0;
        if (await space.Look() is { } free && (free.OnDisk < KeptFree || free.OnDisk + free.Within < announced + KeptFree)) throw NoRoom(announced, free);
        var id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        HostedApp app;
        try
        {
            app = await Take(id, context, body);
        }
        catch
        {
            await Drop(id);
            throw;
        }

        return await store.Complete(app, trail.Entry(context, AuditVerbs.AppUpload, AuditTargets.App, id, detail: $"{app.BundleId} {app.Version}"));
    }

    private async Task<HostedApp> Take(string id, HttpContext context, Stream body)
    {
        // A copy on disk for the archive's directory, which stands at its end; gone when it is closed.
        await using var copy = new FileStream(
            System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"fleetmdm-{id}.ipa"),
            new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous });
        using var whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var part = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Only as a checksum, for iPads that know no other.
        using var old = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        var (parts, olds) = (new List<string>(), new List<string>());
        void EndPart()
        {
            parts.Add(Convert.ToHexStringLower(part.GetHashAndReset()));
            olds.Add(Convert.ToHexStringLower(old.GetHashAndReset()));
        }

        var (piece, size, number) = (new byte[HostedApp.ChunkSize], 0L, 0);
        while (await body.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, context.RequestAborted) is var count and > 0)
        {
            size += count;
            if (size > Most) throw TooLarge();
            if (number % PiecesBetweenLooks == 0 && await space.Look() is { OnDisk: < LeastFree } free) throw NoRoom(context.Request.ContentLength ?? size, free);
            var bytes = piece.AsMemory(0, count);
            whole.AppendData(bytes.Span);
            part.AppendData(bytes.Span);
            old.AppendData(bytes.Span);
            if (size % PartSize == 0) EndPart();
            await copy.WriteAsync(bytes, context.RequestAborted);
            await store.AddChunk(id, number++, bytes.ToArray());
        }

        if (size == 0) throw ApiProblem.Field("file", "The file is empty.");
        if (size % PartSize != 0) EndPart();
        var package = Read(copy);
        await store.AddChunk(id, HostedApp.Md5Piece, Encoding.ASCII.GetBytes(string.Join('\n', olds)));
        if (package.Icon is { } icon) await store.AddChunk(id, HostedApp.IconPiece, icon);
        return new HostedApp
        {
            Id = id,
            Token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes)),
            BundleId = package.BundleId,
            Name = package.Name,
            Version = package.Version,
            ShortVersion = package.ShortVersion,
            MinimumOs = package.MinimumOs,
            Size = size,
            Sha256 = whole.GetHashAndReset(),
            PartSize = PartSize,
            Parts = parts,
            UploadedAt = time.GetUtcNow(),
            UploadedBy = FleetUser.Of(context).Name,
        };
    }

    /// <summary>What came of an upload that failed goes at once, in small transactions: else it could fill the disk for a day.</summary>
    private async Task Drop(string id)
    {
        try
        {
            while (await store.DropUpload(id, PiecesAtOnce) == PiecesAtOnce)
            {
            }
        }
        catch (Exception e) when (Unavailability.Is(e))
        {
            // It goes with those of broken uploads.
        }
    }

    private static ApiProblem NoRoom(long announced, StoreSpace free) => new(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Unavailable, "The disk has no room for the app",
        string.Create(CultureInfo.InvariantCulture, $"The upload has {Up(announced)} MiB, and the disk of the database has {free.OnDisk / MiB} MiB free, of which {KeptFree / MiB} MiB are kept for all else. Nothing was kept of it. Make room on the disk, and upload the app again."));

    private static long Up(long bytes) => (bytes + MiB - 1) / MiB;

    public async Task<Page<HostedAppView>> List(HttpContext context, string? after, int limit) =>
        Page.Of(await store.List(after is null ? null : Id(after), limit + 1), limit, app => View(context, app), app => app.Id);

    /// <summary>For the form of a command; null: the command installs no app.</summary>
    public async Task<IReadOnlyList<HostedAppView>?> Choices(string? requestType) => requestType != InstallApplication ? null
        : [.. (await store.List(null, MostChoices)).Select(app => HostedAppView.Of(app, null)).OrderBy(app => app.Name, StringComparer.OrdinalIgnoreCase).ThenByDescending(app => app.UploadedAt)];

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<HostedApp> Find(string id) => await store.Find(Id(id)) ?? throw NotFound();

    public async Task<HostedApp?> FindOrNull(string id) => IsId(id) ? await store.Find(id.ToLowerInvariant()) : null;

    public HostedAppView View(HttpContext context, HostedApp app) => HostedAppView.Of(app, FleetUser.Of(context).MaySeeSecrets ? ManifestOf(app) : null);

    /// <exception cref="ApiProblem">404; 409: commands that install it wait.</exception>
    public async Task Delete(HttpContext context, string id)
    {
        var app = await Find(id);
        await assigned.RequireUnused(app.Id, "app");
        var waiting = await store.Delete(app.Id, trail.Entry(context, AuditVerbs.AppDelete, AuditTargets.App, app.Id, detail: $"{app.BundleId} {app.Version}")) ?? throw NotFound();
        if (waiting > 0)
        {
            throw ApiProblem.Conflict(ProblemCodes.AppInUse, "The app is in use",
                $"{Console.Words.Count(waiting, "command that installs it waits", "commands that install it wait")} for iPads. Cancel them, or wait until they are done.");
        }
    }

    /// <summary>A command in JSON, with the manifest in the place of <c>hostedApp</c>.</summary>
    /// <exception cref="ApiProblem">There is no such app.</exception>
    public async ValueTask<JsonElement> Resolve(JsonElement command, string prefix = "")
    {
        if (command.ValueKind != JsonValueKind.Object || !command.TryGetProperty(Member, out var named)) return command;
        if (!command.TryGetProperty("requestType", out var type) || type.ValueKind != JsonValueKind.String || type.GetString() != InstallApplication) return command;
        var app = named.ValueKind == JsonValueKind.String && IsId(named.GetString()!) ? await store.Find(named.GetString()!.ToLowerInvariant()) : null;
        if (app is null) throw ApiProblem.Field(CommandReader.Dotted("/" + Member, prefix), "There is no app with this id: GET /api/v1/apps lists them.");
        var written = JsonObject.Create(command)!;
        written.Remove(Member);
        if (written.ContainsKey("manifestURL")) throw ApiProblem.Field(CommandReader.Dotted("/" + Member, prefix), "Send either hostedApp or manifestURL.");
        written["manifestURL"] = ManifestOf(app).AbsoluteUri;
        return JsonSerializer.SerializeToElement(written);
    }

    /// <summary>Remembers that a command installs an app of this server: as long as it waits, the app stays.</summary>
    public async ValueTask NoteUse(BuiltCommand command)
    {
        if (command.RequestType != InstallApplication) return;
        if (PlistReader.ReadDictionary(command.Fragment, PlistLimits.Admin).GetString("ManifestURL") is not { } url) return;
        var own = new Uri(mdm.Value.PublicUri, Path).AbsoluteUri;
        if (!url.StartsWith(own, StringComparison.OrdinalIgnoreCase) || url[own.Length..].Split('/') is not [var token, ..]) return;
        if (await store.FindByToken(token) is { } app) await store.NoteUse(app.Id, await bodies.StoreBody(command.Fragment));
    }

    // ---- for iPads ----

    public async Task<IResult> Manifest(string token, HttpContext context)
    {
        if (await ByToken(token) is not { } app) return Results.NotFound();
        NoStore(context);
        // One that was uploaded before these were kept has neither.
        var md5 = await store.ReadChunk(app.Id, HostedApp.Md5Piece) is { } sums ? Encoding.ASCII.GetString(sums).Split('\n') : null;
        var icon = await store.ReadChunk(app.Id, HostedApp.IconPiece) is not null ? Address(app, "icon.png") : null;
        return Results.Bytes(AppManifest.Build(
            new AppPackage { BundleId = app.BundleId, Name = app.Name, Version = app.Version }, Address(app, "app.ipa"), app.PartSize, app.Parts, md5, icon), "text/xml");
    }

    public async Task<IResult> Icon(string token, HttpContext context)
    {
        if (await ByToken(token) is not { } app || await store.ReadChunk(app.Id, HostedApp.IconPiece) is not { } icon) return Results.NotFound();
        NoStore(context);
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Bytes(icon, "image/png");
    }

    public async Task<IResult> Download(string token, HttpContext context)
    {
        if (await ByToken(token) is not { } app) return Results.NotFound();
        NoStore(context);
        // A slow download takes nobody's turn.
        gates.LeaveEarly(context);
        return Results.Stream(new ChunkStream(store, app.Id, app.Size), "application/octet-stream", lastModified: app.UploadedAt,
            entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(app.Sha256)}\""), enableRangeProcessing: true);
    }

    private async Task<HostedApp?> ByToken(string token) =>
        token.Length == Base64Url.GetEncodedLength(TokenBytes) && Base64Url.IsValid(token) ? await store.FindByToken(token) : null;

    private static void NoStore(HttpContext context) => context.Response.Headers.CacheControl = "no-store";

    private Uri ManifestOf(HostedApp app) => Address(app, "manifest.plist");

    private Uri Address(HostedApp app, string file) => new(mdm.Value.PublicUri, $"{Path}{app.Token}/{file}");

    private static AppPackage Read(Stream copy)
    {
        try
        {
            copy.Position = 0;
            return AppPackage.Read(copy);
        }
        catch (AppPackageException e)
        {
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.InvalidApp, "The file is no app for iPads", e.Message)
            {
                Errors = new Dictionary<string, string[]> { ["file"] = [e.Message] },
            };
        }
    }

    private static string Id(string id) => IsId(id) ? id.ToLowerInvariant() : throw NotFound();

    private static bool IsId(string id) => Guid.TryParseExact(id, "N", out _);

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no app with this id.");

    private ApiProblem TooLarge() => new(StatusCodes.Status413PayloadTooLarge, ProblemCodes.BodyTooLarge, "The app is too large",
        $"An app may have at most {options.Value.MaxMegabytes} MiB (Apps:MaxMegabytes).");
}
