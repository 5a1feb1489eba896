using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Apps;

/// <inheritdoc cref="IHostedAppStore"/>
internal sealed class HostedAppStore(Database database) : IHostedAppStore
{
    private const string Columns =
        "id, token, bundle_id, name, version, short_version, minimum_os, size, sha256, part_size, parts, uploaded_at, uploaded_by";

    public Task AddChunk(string id, int number, byte[] content) => database.Write(s => s
        .Sql("INSERT INTO hosted_app_chunks (app_id, number, content) VALUES (@id, @number, @content) ON CONFLICT (app_id, number) DO NOTHING")
        .Text("@id", id).Int("@number", number).Bytes("@content", content).Execute());

    public async Task<(HostedApp App, bool IsNew)> Complete(HostedApp app, AuditRecord audit)
    {
        foreach (var (what, text) in new[] { ("The identifier", app.BundleId), ("The name", app.Name), ("The version", app.Version), ("The version", app.ShortVersion), ("The version", app.MinimumOs) })
            StoredText.Check(what, text);
        return await database.Write(async s =>
        {
            var added = await s
                .Sql($"""
                    INSERT INTO hosted_apps ({Columns})
                    VALUES (@id, @token, @bundle, @name, @version, @short, @os, @size, @sha, @part, @parts, @at, @by)
                    ON CONFLICT DO NOTHING
                    """)
                .Text("@id", app.Id).Text("@token", app.Token).Text("@bundle", app.BundleId).Text("@name", app.Name).Text("@version", app.Version)
                .Text("@short", app.ShortVersion).Text("@os", app.MinimumOs).Long("@size", app.Size).Bytes("@sha", app.Sha256).Int("@part", app.PartSize)
                .Text("@parts", string.Join('\n', app.Parts)).Time("@at", app.UploadedAt).Text("@by", app.UploadedBy).Execute();
            var standing = (await s.Sql($"SELECT {Columns} FROM hosted_apps WHERE sha256 = @sha").Bytes("@sha", app.Sha256).First(Read))!;
            if (added > 0)
                await AuditColumns.Add(s, audit);
            else if (standing.Id != app.Id)
                await s.Sql("DELETE FROM hosted_app_chunks WHERE app_id = @id").Text("@id", app.Id).Execute();
            return (standing, standing.Id == app.Id);
        });
    }

    public Task<HostedApp?> Find(string id)
    {
        StoredText.Check("The id", id);
        return database.Read(s => s.Sql($"SELECT {Columns} FROM hosted_apps WHERE id = @id").Text("@id", id).First(Read));
    }

    public Task<HostedApp?> FindByToken(string token)
    {
        StoredText.Check("The token", token);
        return database.Read(s => s.Sql($"SELECT {Columns} FROM hosted_apps WHERE token = @token").Text("@token", token).First(Read));
    }

    public async Task<IReadOnlyList<HostedApp>> List(string? after, int limit)
    {
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"SELECT {Columns} FROM hosted_apps WHERE id > @after ORDER BY id LIMIT @limit").Text("@after", after ?? "").Int("@limit", limit).List(Read));
    }

    public Task<byte[]?> ReadChunk(string id, int number) => database.Read(s => s
        .Sql("SELECT content FROM hosted_app_chunks WHERE app_id = @id AND number = @number").Text("@id", id).Int("@number", number).First(row => row.BytesOrNull(0)));

    public Task NoteUse(string id, byte[] bodyHash) => database.Write(s => s
        .Sql("INSERT INTO hosted_app_uses (app_id, body_hash) VALUES (@id, @hash) ON CONFLICT (app_id, body_hash) DO NOTHING")
        .Text("@id", id).Bytes("@hash", bodyHash).Execute());

    public Task<long?> Delete(string id, AuditRecord audit)
    {
        StoredText.Check("The id", id);
        return database.Write<long?>(async s =>
        {
            if (!await s.Sql("SELECT 1 FROM hosted_apps WHERE id = @id").Text("@id", id).First(_ => true))
                return null;
            var waiting = await s
                .Sql("SELECT count(*) FROM queue q WHERE q.body_hash IN (SELECT u.body_hash FROM hosted_app_uses u WHERE u.app_id = @id)").Text("@id", id)
                .First(row => row.Long(0));
            if (waiting > 0)
                return waiting;
            await s.Sql("DELETE FROM hosted_app_uses WHERE app_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM hosted_apps WHERE id = @id").Text("@id", id).Execute();
            await AuditColumns.Add(s, audit);
            // Its pieces are large: they go with those of broken uploads.
            return 0;
        });
    }

    public Task<int> DropUpload(string id, int limit) => Drop("c.app_id = @id", id, limit);

    public Task<int> DropUnfinished(DateTimeOffset begunBefore, int limit) => Drop("c.app_id < @id", Guid.CreateVersion7(begunBefore).ToString("N"), limit);

    private Task<int> Drop(string which, string key, int limit) => database.Write(async s =>
    {
        var pieces = await s
            .Sql($"""
                SELECT c.app_id, c.number FROM hosted_app_chunks c
                WHERE {which} AND NOT EXISTS (SELECT 1 FROM hosted_apps a WHERE a.id = c.app_id) LIMIT @limit
                """)
            .Text("@id", key).Int("@limit", limit).List(row => (Id: row.Text(0), Number: row.Int(1)));
        foreach (var (id, number) in pieces)
            await s.Sql("DELETE FROM hosted_app_chunks WHERE app_id = @id AND number = @number").Text("@id", id).Int("@number", number).Execute();
        return pieces.Count;
    });

    private static HostedApp Read(Row row) => new()
    {
        Id = row.Text(0),
        Token = row.Text(1),
        BundleId = row.Text(2),
        Name = row.Text(3),
        Version = row.Text(4),
        ShortVersion = row.TextOrNull(5),
        MinimumOs = row.TextOrNull(6),
        Size = row.Long(7),
        Sha256 = row.Bytes(8),
        PartSize = row.Int(9),
        Parts = row.Text(10).Split('\n', StringSplitOptions.RemoveEmptyEntries),
        UploadedAt = row.Time(11),
        UploadedBy = row.Text(12),
    };
}
