console.log('part');
