using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace FleetMdm.Storage.Audit;

/// <summary>The chain on either database.</summary>
internal sealed class AuditChain(Database database, TimeProvider time) : IAuditChain
{
    private const int RecordColumns = 16;

    /// <summary>Read at once by a check.</summary>
    private const int Page = 1_000;

    private static readonly string Record = string.Join(", ", AuditColumns.Names.Split(", ").Select(name => "a." + name));

    private static readonly string Links = $"SELECT {Record}, c.seq, c.id, c.standing, c.hash FROM audit_chain c LEFT JOIN audit a ON a.id = c.id";

    private AuditSeal Signer => database.AuditSeal;

    public async Task<AuditSealed> Seal(AuditHead? known, int limit)
    {
        // Most of the time nothing waits: then nobody's turn to write is taken.
        if (await database.Read(s => s.Sql("SELECT id FROM audit_unsealed LIMIT 1").First(row => row.Bytes(0))) is null)
            return new AuditSealed(0, known ?? await Head(), null);
        return await database.Write(s => Seal(s, known, limit));
    }

    private async Task<AuditSealed> Seal(Session s, AuditHead? known, int limit)
    {
        var (ends, last) = (await ReadEnds(s, database.ForUpdate), await ReadLast(s));
        var (basis, broken) = Continue(ends, last, known, await s.Sql("SELECT min(seq) FROM audit_chain").First(row => row.LongOrNull(0)));
        if (broken is not null)
            await AuditColumns.Add(s, AuditRecord.New(time.GetUtcNow(), AuditActor.Server, AuditVerbs.AuditBreak) with { Detail = broken, Result = AuditResult.Failed });

        var waiting = await s
            .Sql($"SELECT {Record}, u.id FROM audit_unsealed u LEFT JOIN audit a ON a.id = u.id ORDER BY u.id LIMIT @limit")
            .Int("@limit", limit)
            .List(row => (Id: row.Bytes(RecordColumns), Record: row.IsNull(0) ? null : AuditColumns.Read(row), Signature: row.IsNull(0) ? null : AuditColumns.ReadSignature(row)));
        if (waiting.Count == 0)
            return new AuditSealed(0, new AuditHead(basis.HeadNumber, basis.HeadHash), null);

        var (number, hash) = (basis.HeadNumber, basis.HeadHash);
        var links = new List<AuditLink>(waiting.Count);
        foreach (var (id, record, signature) in waiting)
        {
            var standing = record is null ? AuditStanding.Gone : signature is null ? AuditStanding.Unsigned
                : Signer.IsSigned(record, signature) ? AuditStanding.Signed : AuditStanding.Forged;
            hash = Signer.Link(hash, ++number, id, standing, record);
            links.Add(new AuditLink(number, id, standing, hash));
        }

        await database.AddLinks(s, links);
        await s.Sql("DELETE FROM audit_unsealed WHERE id IN (SELECT id FROM audit_chain WHERE seq > @from)").Long("@from", basis.HeadNumber).Execute();
        await WriteEnds(s, basis with { HeadNumber = number, HeadHash = hash });
        return new AuditSealed(waiting.Count, new AuditHead(number, hash), broken);
    }

    public async Task<AuditHead> Head() => await database.Read(async s =>
        await ReadLast(s) ?? (await ReadEnds(s) is { Ends: { } ends } ? new AuditHead(ends.HeadNumber, ends.HeadHash) : new AuditHead(0, AuditSeal.NoHash)));

    public async Task<AuditHead> Start() => await database.Read(async s =>
        (await ReadEnds(s)).Ends is { StartHash.Length: > 0 } ends ? new AuditHead(ends.StartNumber, ends.StartHash) : new AuditHead(0, AuditSeal.NoHash));

    public Task<byte[]?> FindHash(long number) =>
        database.Read(s => s.Sql("SELECT hash FROM audit_chain WHERE seq = @seq").Long("@seq", number).First(row => row.Bytes(0)));

    public async Task<IReadOnlyList<ChainedRecord>> Read(long after, int limit) => await database.Read(s => Read(s, after, limit));

    internal static Task<List<ChainedRecord>> Read(Session s, long after, int limit) => s
        .Sql($"SELECT {Record}, c.seq, c.hash FROM audit_chain c JOIN audit a ON a.id = c.id WHERE c.seq > @after ORDER BY c.seq LIMIT @limit")
        .Long("@after", after).Int("@limit", limit)
        .List(row => new ChainedRecord(row.Long(RecordColumns), row.Bytes(RecordColumns + 1), AuditColumns.Read(row)));

    public Task<int> Drop(DateTimeOffset before, int limit) => database.Write(async s =>
    {
        if (await ReadEnds(s, database.ForUpdate) is not { Ends: { } ends, Genuine: true })
            return 0;
        var upper = AuditRecord.FirstKeyAt(before);
        var old = (await s.Sql("SELECT seq, id, hash FROM audit_chain WHERE seq > @start ORDER BY seq LIMIT @limit").Long("@start", ends.StartNumber).Int("@limit", limit)
                .List(row => (Number: row.Long(0), Id: row.Bytes(1), Hash: row.Bytes(2))))
            .TakeWhile(row => row.Id.AsSpan().SequenceCompareTo(upper) < 0).ToList();
        if (old.Count == 0)
            return 0;
        var last = old[^1];
        await s.Sql("INSERT INTO audit_retention (dropping_before) VALUES (@before)").Time("@before", before).Execute();
        await s.Sql("DELETE FROM audit WHERE id IN (SELECT id FROM audit_chain WHERE seq <= @last) AND at < @before").Long("@last", last.Number).Time("@before", before).Execute();
        await s.Sql("DELETE FROM audit_retention").Execute();
        await s.Sql("DELETE FROM audit_chain WHERE seq <= @last").Long("@last", last.Number).Execute();
        await WriteEnds(s, ends with { StartNumber = last.Number, StartHash = last.Hash });
        // A time of its own for each piece: two of one moment would be one.
        await AuditColumns.Add(s, AuditRecord.New(time.GetUtcNow(), AuditActor.Server, AuditVerbs.AuditDrop) with
        {
            Detail = string.Create(CultureInfo.InvariantCulture, $"from before {before:yyyy-MM-dd}, up to number {last.Number}"),
            Count = old.Count,
        });
        return old.Count;
    });

    // A check:
    //
    //   1. the row that says where the chain begins and ends is genuine
    //   2. number by number, as far as the end was when the check began: the link is there, and is the hash of the link before and of the record as it stands
    //   3. the last hash is the one that is signed
    //   4. record by record: each is in the chain, or waits for it

    public async Task<AuditCheck> Verify(string? after, int most, CancellationToken cancellationToken = default)
    {
        var records = after?.StartsWith('r') == true;
        var from = after is null ? (long?)null : records || !long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var said) ? null : said;
        if (after is not null && from is null && !(records && Guid.TryParseExact(after[1..], "N", out _)))
            throw new FormatException("It must be the \"next\" of a check.");
        var id = records ? Guid.ParseExact(after![1..], "N").ToByteArray(bigEndian: true) : [];

        // 1
        var waiting = await database.Read(s => s.Sql("SELECT count(*) FROM audit_unsealed").First(row => row.Long(0)), cancellationToken);
        var (ends, genuine) = await database.Read(s => ReadEnds(s), cancellationToken);
        if (ends is null || !genuine)
        {
            var last = await database.Read(ReadLast, cancellationToken);
            return new AuditCheck
            {
                Checked = 0,
                Removed = 0,
                Waiting = waiting,
                Head = last ?? new AuditHead(0, AuditSeal.NoHash),
                Break = new AuditBreak(AuditBreakKind.Chain, null, null, null, EndsFault(ends, last) + " The server did not do that."),
            };
        }

        if (from > ends.HeadNumber)
            throw new FormatException($"It is beyond the end of the chain, number {ends.HeadNumber}. It must be the \"next\" of a check.");
        if (records && !await HasRecords(id, cancellationToken))
            throw new FormatException("It is beyond the newest record. It must be the \"next\" of a check.");
        var check = new AuditCheck { Checked = 0, Waiting = waiting, Removed = ends.StartNumber, Head = new AuditHead(ends.HeadNumber, ends.HeadHash) };
        if (!records)
        {
            check = await VerifyLinks(check, ends, from, most, cancellationToken);
            if (check.Break is not null || check.Next is not null) return check;
        }

        // 4
        check = await FindStrays(check, id, most, cancellationToken);
        return check.Checked > 0 || check.Break is not null || records ? check : check with { Nothing = await HasRecords(id, cancellationToken) };
    }

    private Task<bool> HasRecords(byte[] from, CancellationToken cancellationToken) =>
        database.Read(async s => await s.Sql("SELECT id FROM audit WHERE id >= @from LIMIT 1").Bytes("@from", from).First(row => row.Bytes(0)) is not null, cancellationToken);

    private static string EndsFault(AuditEnds? ends, AuditHead? last) => ends is not null ? "The row that says where the chain begins and ends was changed."
        : last is not null ? "The row that says where the chain begins and ends was removed."
        : "The chain was removed as a whole.";

    private async Task<AuditCheck> VerifyLinks(AuditCheck check, AuditEnds ends, long? from, int most, CancellationToken cancellationToken)
    {
        var number = Math.Max(from ?? 0, ends.StartNumber);
        var hash = number == ends.StartNumber ? ends.StartHash : await FindHash(number) ?? [];
        var (seen, unsigned, newest) = (0L, 0L, (DateTimeOffset?)null);

        // 2
        while (number < ends.HeadNumber)
        {
            if (seen >= most)
                return Found(null) with { Next = number.ToString(CultureInfo.InvariantCulture) };
            var last = Math.Min(ends.HeadNumber, number + Page);
            var links = await database.Read(s => s.Sql($"{Links} WHERE c.seq > @after AND c.seq <= @last ORDER BY c.seq").Long("@after", number).Long("@last", last)
                .List(row => new Link(row.Long(RecordColumns), row.Bytes(RecordColumns + 1), (AuditStanding)row.Short(RecordColumns + 2), row.Bytes(RecordColumns + 3),
                    row.IsNull(0) ? null : AuditColumns.Read(row), row.IsNull(0) ? null : AuditColumns.ReadSignature(row))), cancellationToken);
            // Retention goes on meanwhile.
            var (now, _) = await database.Read(s => ReadEnds(s), cancellationToken);
            if (now is not null && now.StartNumber > number)
            {
                (number, hash) = (now.StartNumber, now.StartHash);
                continue;
            }

            foreach (var link in links)
            {
                if (link.Number != number + 1)
                    return Found(new AuditBreak(AuditBreakKind.Missing, number + 1, null, null, $"{Numbers(number + 1, link.Number - 1)} missing from the chain.")) with { Next = Text(link.Number - 1) };
                if (Fault(link, hash) is { } fault)
                    return Found(fault) with { Next = Text(link.Number) };
                if (link.Standing == AuditStanding.Unsigned)
                    (unsigned, newest) = (unsigned + 1, newest is { } before && before > link.Record!.At ? before : link.Record!.At);
                (number, hash, seen) = (link.Number, link.Hash, seen + 1);
            }

            if (number < last)
            {
                var next = await database.Read(s => s.Sql("SELECT min(seq) FROM audit_chain WHERE seq > @after").Long("@after", number).First(row => row.LongOrNull(0)), cancellationToken);
                if (next is null || next > ends.HeadNumber)
                {
                    return Found(new AuditBreak(AuditBreakKind.CutOff, number + 1, null, null,
                        $"The chain ends at number {number}. It should end at number {ends.HeadNumber}: {Numbers(number + 1, ends.HeadNumber)} missing."));
                }

                return Found(new AuditBreak(AuditBreakKind.Missing, number + 1, null, null, $"{Numbers(number + 1, next.Value - 1)} missing from the chain.")) with { Next = Text(next.Value - 1) };
            }
        }

        // 3
        if (number == ends.HeadNumber && hash.Length > 0 && !hash.AsSpan().SequenceEqual(ends.HeadHash))
            return Found(new AuditBreak(AuditBreakKind.Chain, number, null, null, $"The last link, number {number}, was changed."));
        return Found(null);

        AuditCheck Found(AuditBreak? fault) => check with { Checked = seen, Unsigned = unsigned, NewestUnsigned = newest, Break = fault };
    }

    private AuditBreak? Fault(Link link, byte[] before)
    {
        var at = TimeOf(link.Id);
        AuditBreak Of(AuditBreakKind kind, string words) => new(kind, link.Number, new Guid(link.Id, bigEndian: true), at, words);
        if (link.Record is not { } record)
        {
            return Of(AuditBreakKind.Missing, link.Standing == AuditStanding.Gone
                ? $"The record of number {link.Number}, from {Said(at)}, was removed before it was sealed."
                : $"The record of number {link.Number}, from {Said(at)}, is missing.");
        }

        if (before.Length > 0 && !Signer.Link(before, link.Number, link.Id, link.Standing, record).AsSpan().SequenceEqual(link.Hash))
        {
            var intact = link.Signature is not null && Signer.IsSigned(record, link.Signature);
            return intact
                ? Of(AuditBreakKind.Chain, $"The link number {link.Number} of the chain was changed. Its record, from {Said(at)}, is as the server wrote it.")
                : Of(AuditBreakKind.Changed, $"The record of number {link.Number}, from {Said(at)}, was changed.");
        }

        return link.Standing == AuditStanding.Forged
            ? Of(AuditBreakKind.Inserted, $"The record of number {link.Number}, from {Said(at)}, was not written by the server, or was changed before it was sealed.")
            : link.Standing == AuditStanding.Unsigned && !(Signer.MayBeUnsigned(record.At) && Signer.MayBeUnsigned(at))
            ? Of(AuditBreakKind.Inserted, $"The record of number {link.Number}, from {Said(at)}, is not signed by the server. It was put in, or its signature was removed.")
            : link.Standing == AuditStanding.Signed && record.Verb == AuditVerbs.AuditBreak
                ? Of(AuditBreakKind.Noticed, $"On {Said(record.At)} the server noticed: {record.Detail}")
                : null;
    }

    private async Task<AuditCheck> FindStrays(AuditCheck check, byte[] after, int most, CancellationToken cancellationToken)
    {
        const int Size = 5_000;
        for (var seen = 0L; ; seen += Size)
        {
            if (seen >= most)
                return check with { Next = "r" + new Guid(after, bigEndian: true).ToString("N") };
            var page = await database.Read(s => s
                .Sql("""
                    SELECT p.id, CASE WHEN c.id IS NULL AND u.id IS NULL THEN 1 ELSE 0 END FROM (SELECT id FROM audit WHERE id > @after ORDER BY id LIMIT @limit) p
                    LEFT JOIN audit_chain c ON c.id = p.id LEFT JOIN audit_unsealed u ON u.id = p.id ORDER BY p.id
                    """)
                .Bytes("@after", after).Int("@limit", Size).List(row => (Id: row.Bytes(0), Stray: row.Int(1) == 1)), cancellationToken);
            if (page.Find(row => row.Stray) is { Stray: true } stray)
            {
                return check with
                {
                    Break = new AuditBreak(AuditBreakKind.Inserted, null, new Guid(stray.Id, bigEndian: true), TimeOf(stray.Id),
                        $"A record that says it is from {Said(TimeOf(stray.Id))} was put in. It is not in the chain, and does not wait for it."),
                    Next = "r" + new Guid(stray.Id, bigEndian: true).ToString("N"),
                };
            }

            if (page.Count < Size) return check;
            after = page[^1].Id;
        }
    }

    /// <summary>From where the chain goes on, and what somebody else did to it meanwhile.</summary>
    private (AuditEnds From, string? Broken) Continue((AuditEnds? Ends, bool Genuine) stored, AuditHead? last, AuditHead? known, long? first)
    {
        var (ends, genuine) = stored;
        if (ends is null || !genuine)
        {
            var (head, hash) = known is not null && known.Number > (last?.Number ?? 0) ? (known.Number, known.Hash) : (last?.Number ?? 0, last?.Hash ?? AuditSeal.NoHash);
            return (new AuditEnds((first ?? head + 1) - 1, head == 0 ? AuditSeal.NoHash : [], head, hash), EndsFault(ends, last));
        }

        if (known is not null && known.Number > ends.HeadNumber)
        {
            // Its numbers are not given again: the gap stays, and shows.
            return (ends with { HeadNumber = known.Number, HeadHash = known.Hash }, $"The chain was cut off: it ended at number {known.Number}, and now at {last?.Number ?? ends.StartNumber}.");
        }

        var (endsAt, with) = last is null ? (ends.StartNumber, ends.StartHash) : (last.Number, last.Hash);
        if (endsAt == ends.HeadNumber && (with.Length == 0 || with.AsSpan().SequenceEqual(ends.HeadHash)))
            return (ends, null);
        return endsAt > ends.HeadNumber
            ? (ends with { HeadNumber = endsAt, HeadHash = with }, $"Links were put in after number {ends.HeadNumber}, the end of the chain.")
            : (ends, endsAt == ends.HeadNumber ? $"The last link, number {endsAt}, was changed." : $"The chain was cut off: it ended at number {ends.HeadNumber}, and now at {endsAt}.");
    }

    private async Task<(AuditEnds? Ends, bool Genuine)> ReadEnds(Session s, string forUpdate = "")
    {
        var (ends, signature) = await s.Sql("SELECT start_seq, start_hash, head_seq, head_hash, mac FROM audit_chain_ends WHERE one = 1" + forUpdate)
            .First(row => ((AuditEnds?)new AuditEnds(row.Long(0), row.Bytes(1), row.Long(2), row.Bytes(3)), row.Bytes(4)));
        return (ends, ends is not null && CryptographicOperations.FixedTimeEquals(Signer.Sign(ends), signature));
    }

    private Task<int> WriteEnds(Session s, AuditEnds ends) => s
        .Sql("""
            INSERT INTO audit_chain_ends (one, start_seq, start_hash, head_seq, head_hash, mac) VALUES (1, @start, @startHash, @head, @headHash, @mac)
            ON CONFLICT (one) DO UPDATE SET start_seq = excluded.start_seq, start_hash = excluded.start_hash, head_seq = excluded.head_seq,
              head_hash = excluded.head_hash, mac = excluded.mac
            """)
        .Long("@start", ends.StartNumber).Bytes("@startHash", ends.StartHash).Long("@head", ends.HeadNumber).Bytes("@headHash", ends.HeadHash).Bytes("@mac", Signer.Sign(ends))
        .Execute();

    private static Task<AuditHead?> ReadLast(Session s) =>
        s.Sql("SELECT seq, hash FROM audit_chain ORDER BY seq DESC LIMIT 1").First(row => new AuditHead(row.Long(0), row.Bytes(1)));

    private static DateTimeOffset TimeOf(byte[] id) => DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(id) >>> 16);

    private static string Said(DateTimeOffset at) => at.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Numbers(long first, long last) => first == last ? $"number {first} is" : $"numbers {first} to {last} are";

    private sealed record Link(long Number, byte[] Id, AuditStanding Standing, byte[] Hash, AuditRecord? Record, byte[]? Signature);
}
