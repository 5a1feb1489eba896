namespace FleetMdm.Storage.Devices;

/// <inheritdoc cref="IEscrowStore"/>
internal sealed class EscrowStore(Database database) : IEscrowStore
{
    public Task<byte[]?> Find(string enrolmentId, EscrowedToken token)
    {
        StoredText.Check("The enrolment id", enrolmentId);
        var column = token == EscrowedToken.Unlock ? "unlock_token" : "bootstrap_token";
        return database.Read(s => s.Sql($"SELECT {column} FROM devices WHERE id = @id").Text("@id", enrolmentId).First(row => row.BytesOrNull(0)));
    }
}
