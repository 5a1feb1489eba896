using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.AppsAndBooks;

/// <inheritdoc cref="IContentStore"/>
internal sealed class ContentStore(Database database) : IContentStore
{
    /// <summary>Licences of an asset <c>t</c> that are wanted and not there. Those that Apple was asked for are not counted by it yet.</summary>
    private const string Wanted = "(SELECT count(*) FROM content_licences l WHERE l.location_id = t.location_id AND l.adam_id = t.adam_id AND l.pricing = t.pricing AND l.state IN (1, 2))";

    private const string Assets = $"SELECT t.location_id, o.name, {ContentColumns.Asset}, {Wanted} FROM content_assets t JOIN content_locations o ON o.id = t.location_id";

    internal const string Locations = $"""
        SELECT {ContentColumns.Location},
          (SELECT count(*) FROM content_assets t WHERE t.location_id = o.id),
          (SELECT count(*) FROM content_assets t WHERE t.location_id = o.id AND t.available < {Wanted}),
          (SELECT count(*) FROM content_licences l WHERE l.location_id = o.id AND l.state IN (1, 2))
        FROM content_locations o
        """;

    public async Task<IReadOnlyList<ContentLocationRow>> ListLocations(Scope scope) => !IsDistrict(scope) ? [] : await database.Read(s => s.Sql($"{Locations} ORDER BY o.name, o.id").List(ReadRow));

    public Task<ContentLocationRow?> FindLocation(Scope scope, string id)
    {
        StoredText.Check("The location's id", id);
        return !IsDistrict(scope) ? Task.FromResult<ContentLocationRow?>(null) : database.Read(s => s.Sql($"{Locations} WHERE o.id = @id").Text("@id", id).First(ReadRow));
    }

    public Task<ContentOutcome> DeleteLocation(string id, AuditRecord? audit)
    {
        StoredText.Check("The location's id", id);
        return database.Write(async s =>
        {
            if (await s.Sql($"SELECT id FROM content_locations WHERE id = @id{database.ForUpdate}").Text("@id", id).First(row => row.Text(0)) is null) return ContentOutcome.NotFound;
            if (await s.Sql("SELECT 1 FROM assignments WHERE content_location = @id AND deleted_at IS NULL").Text("@id", id).First(_ => true)) return ContentOutcome.InUse;
            await s.Sql("DELETE FROM content_licences WHERE location_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM content_assets WHERE location_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM content_notifications WHERE id > @from AND id < @to").Text("@from", $"{id} ").Text("@to", $"{id}!").Execute();
            await s.Sql("DELETE FROM content_locations WHERE id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return ContentOutcome.Written;
        }, timeout: TimeSpan.FromMinutes(2));
    }

    public async Task<IReadOnlyList<ContentAssetRow>> ListAssets(Scope scope, string? locationId, string? text, bool shortOnly, string? after, int limit)
    {
        StoredText.Check("The location's id", locationId);
        StoredText.Check("The search", text);
        StoredText.Check("The place to go on after", after?.Replace('\t', ' '));
        if (!IsDistrict(scope)) return [];
        var place = after?.Split('\t') is [var key, var of, var adam, var pricing] ? (key, of, adam, pricing) : default;
        var conditions = new List<string> { "1 = 1" };
        if (locationId is not null) conditions.Add("t.location_id = @location");
        if (text is not null) conditions.Add("(t.name_key LIKE @text ESCAPE '!' OR t.adam_id = @number)");
        if (shortOnly) conditions.Add($"t.available < {Wanted}");
        if (place.key is not null) conditions.Add("(t.name_key, t.location_id, t.adam_id, t.pricing) > (@key, @of, @adam, @pricing)");
        return await database.Read(s => s
            .Sql($"{Assets} WHERE {string.Join(" AND ", conditions)} ORDER BY t.name_key, t.location_id, t.adam_id, t.pricing LIMIT @limit")
            .Bind(statement =>
            {
                if (locationId is not null) statement.Text("@location", locationId);
                if (text is not null) statement.Text("@text", Keys.Part(text)).Text("@number", text);
                if (place.key is not null) statement.Text("@key", place.key).Text("@of", place.of).Text("@adam", place.adam).Text("@pricing", place.pricing);
            })
            .Int("@limit", limit).List(ReadAsset));
    }

    public Task<ContentAssetRow?> FindAsset(string locationId, string adamId, string? pricing)
    {
        StoredText.Check("The location's id", locationId);
        StoredText.Check("The number of the app", adamId);
        StoredText.Check("The licence's kind", pricing);
        // STDQ before PLUS.
        return database.Read(s => s
            .Sql($"{Assets} WHERE t.location_id = @location AND t.adam_id = @adam{(pricing is null ? "" : " AND t.pricing = @pricing")} ORDER BY t.pricing DESC LIMIT 1")
            .Text("@location", locationId).Text("@adam", adamId)
            .Bind(statement =>
            {
                if (pricing is not null) statement.Text("@pricing", pricing);
            }).First(ReadAsset));
    }

    public async Task<IReadOnlyList<ContentLicenceRow>> ListLicences(Scope scope, string locationId, string? adamId, LicenceState? state, string? after, int limit)
    {
        StoredText.Check("The location's id", locationId);
        StoredText.Check("The number of the app", adamId);
        StoredText.Check("The place to go on after", after?.Replace('\t', ' '));
        if (!IsDistrict(scope)) return [];
        var place = after?.Split('\t') is [var adam, var pricing, var serial] ? (adam, pricing, serial) : ("", "", "");
        return await database.Read(s => s
            .Sql($"""
                SELECT {ContentColumns.Licence}, t.name,
                  (SELECT d.id FROM devices d WHERE d.serial_number = l.serial_number AND d.id = d.device_id AND d.status = 2 ORDER BY d.id LIMIT 1),
                  (SELECT d.device_name FROM devices d WHERE d.serial_number = l.serial_number AND d.id = d.device_id AND d.status = 2 ORDER BY d.id LIMIT 1)
                FROM content_licences l LEFT JOIN content_assets t ON t.location_id = l.location_id AND t.adam_id = l.adam_id AND t.pricing = l.pricing
                WHERE l.location_id = @location{(adamId is null ? "" : " AND l.adam_id = @of")}{(state is null ? "" : " AND l.state = @state")}
                  AND (l.adam_id, l.pricing, l.serial_number) > (@adam, @pricing, @serial)
                ORDER BY l.adam_id, l.pricing, l.serial_number LIMIT @limit
                """)
            .Text("@location", locationId).Text("@adam", place.Item1).Text("@pricing", place.Item2).Text("@serial", place.Item3).Int("@limit", limit)
            .Bind(statement =>
            {
                if (adamId is not null) statement.Text("@of", adamId);
                if (state is { } one) statement.Short("@state", (short)one);
            })
            .List(row => new ContentLicenceRow(
                locationId, ContentColumns.ReadLicence(row), row.TextOrNull(ContentColumns.LicenceWidth), row.TextOrNull(ContentColumns.LicenceWidth + 1), row.TextOrNull(ContentColumns.LicenceWidth + 2))));
    }

    public Task<ContentPlace?> FindByNotify(byte[] hash) => database.Read(s => s
        .Sql("""
            SELECT o.id, o.uid, o.notify_secret FROM content_locations o WHERE o.notify_hash = @hash
            UNION ALL SELECT o.id, o.uid, o.offered_secret FROM content_locations o WHERE o.offered_hash = @hash
            """)
        .Bytes("@hash", hash).First(row => new ContentPlace(row.Text(0), row.Text(1), hash, row.Bytes(2))));

    public Task<bool> TakeNotification(ContentPlace place, string notificationId, DateTimeOffset at)
    {
        StoredText.Check("The notification's id", notificationId);
        return database.Write(async s =>
        {
            if (await s.Sql($"SELECT id FROM content_locations WHERE id = @id{database.ForKeeping}").Text("@id", place.LocationId).First(row => row.Text(0)) is null) return false;
            if (await s.Sql("INSERT INTO content_notifications (id, at) VALUES (@id, @at) ON CONFLICT (id) DO NOTHING").Text("@id", $"{place.LocationId} {notificationId}").Time("@at", at).Execute() == 0) return false;
            await s.Sql("UPDATE content_locations SET notified_at = @at WHERE id = @id").Time("@at", at).Text("@id", place.LocationId).Execute();
            await s
                .Sql("""
                    UPDATE content_locations SET notify_secret = offered_secret, notify_hash = offered_hash, offered_secret = NULL, offered_hash = NULL
                    WHERE id = @id AND offered_hash = @hash
                    """)
                .Text("@id", place.LocationId).Bytes("@hash", place.Hash).Execute();
            return true;
        });
    }

    private static bool IsDistrict(Scope scope) => scope.SchoolIds is null;

    private static ContentLocationRow ReadRow(Row row) => new(
        ContentColumns.ReadLocation(row), row.Long(ContentColumns.LocationWidth), row.Long(ContentColumns.LocationWidth + 1), row.Long(ContentColumns.LocationWidth + 2));

    private static ContentAssetRow ReadAsset(Row row) => new(row.Text(0), row.Text(1), ContentColumns.ReadAsset(row, 2), row.Long(2 + ContentColumns.AssetWidth));
}
